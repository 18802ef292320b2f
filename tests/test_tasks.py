"""The local executor runs tasks as processes of their own and tells what became of them."""

from races import small
from scipy.io import mmwrite

from hpcbench import store
from hpcbench.spec import Task
from hpcbench.tasks import LocalExecutor


def test_each_task_writes_its_journal_and_a_failing_one_does_not_stop_the_next(tmp_path):
    mmwrite(tmp_path / "a.mtx", small(40, 300))
    fast = ("--variant", "gustavson", "--rounds", "16", "--budget", "5")
    tasks = [
        Task("bad", ("run", "--input", str(tmp_path / "none.mtx"), *fast), 1),
        Task("good", ("run", "--input", str(tmp_path / "a.mtx"), *fast), 2),
    ]
    executor = LocalExecutor(tmp_path / "runs")
    paths = executor.map(tasks)
    assert executor.codes == {"bad": 2, "good": 0}
    assert paths[-1].endswith("good.jsonl")
    (facts,) = [body for _, body in store.by_kind(store.read(tmp_path / "runs" / "good.jsonl"))["case"]]
    assert facts["seed"] == 2
