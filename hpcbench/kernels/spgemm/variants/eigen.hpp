/* Eigen's product behind a C interface: matrices are made and released by the caller, whatever it costs. */
#include <eigen3/Eigen/SparseCore>
#include <exception>
#include <stdint.h>

typedef Eigen::SparseMatrix<double, Eigen::RowMajor, int32_t> Matrix;

extern "C" Matrix *eigen_matrix(int64_t rows, int64_t cols, const int64_t *indptr, const int32_t *indices,
                                const double *data) try {
  Matrix *made = new Matrix(rows, cols);
  made->resizeNonZeros(indptr[rows]);
  for (int64_t i = 0; i <= rows; ++i) made->outerIndexPtr()[i] = int32_t(indptr[i]);
  for (int64_t k = 0; k < indptr[rows]; ++k) made->innerIndexPtr()[k] = indices[k], made->valuePtr()[k] = data[k];
  return made;
} catch (const std::exception &) {
  return nullptr;
}

extern "C" Matrix *eigen_product(const Matrix *a, const Matrix *b) try {
  Matrix *c = new Matrix(*a * *b);
  c->makeCompressed();
  return c;
} catch (const std::exception &) {
  return nullptr;
}

extern "C" void eigen_arrays(Matrix *c, int32_t **indptr, int32_t **indices, double **data) {
  *indptr = c->outerIndexPtr(), *indices = c->innerIndexPtr(), *data = c->valuePtr();
}

extern "C" void eigen_free(Matrix *c) { delete c; }
