"""What variants of several kernels use: C++ headers, and libraries that several peers call."""
