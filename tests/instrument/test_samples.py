"""What the instrument concludes from its samples."""

from __future__ import annotations

import pytest
from bench.samples import Core, Sample, conclude, generates, spread


def sample(clocks: float, *, rate: float = 1.0, waited: float = 0.0, cycles: float = 1.5) -> Sample:
    nodes = {"pg-input": 10.0, "l2-fwd": clocks, "pg1-tx": 5.0}
    return Sample(nodes, 1e6, 256.0, Core(cycles, rate), waited)


def test_the_nodes_of_the_generator_do_not_forward() -> None:
    assert [generates(name) for name in ("pg-input", "pg1-tx", "pg0-output")] == [True] * 3
    assert not any(generates(name) for name in ("l2-output", "loop1-tx", "ip4-input", "pgx"))


def test_clocks_are_medians_of_all_runs_together() -> None:
    result = conclude("a", [[sample(20.0)] * 5 + [sample(90.0)] * 2, [sample(30.0)] * 6], best=1.0)
    assert result.clocks_total == 45.0  # 10 + 30 + 5: of 20 five times, 30 six times, 90 twice
    assert result.clocks_forwarding == 30.0
    assert result.nodes == {"l2-fwd": 30.0, "pg-input": 10.0, "pg1-tx": 5.0}
    assert result.runs == [35.0, 45.0]
    assert result.mpps == 1.0


@pytest.mark.parametrize("disturbed", [{"rate": 0.6}, {"waited": 0.2}])
def test_disturbed_samples_do_not_count(disturbed: dict[str, float]) -> None:
    result = conclude("a", [[sample(20.0)] * 10 + [sample(200.0, **disturbed)] * 30], best=1.0)
    assert result.clocks_forwarding == 20.0
    assert result.alone == 0.25
    assert not result.shared


def test_a_case_that_was_always_disturbed_is_marked() -> None:
    result = conclude("a", [[sample(20.0)] * 4, [sample(200.0, rate=0.6)] * 30], best=1.0)
    assert result.shared
    assert result.clocks_forwarding == 200.0  # of all samples


def test_a_run_without_undisturbed_samples_has_no_median_of_its_own() -> None:
    result = conclude("a", [[sample(20.0)] * 10, [sample(200.0, rate=0.6)]], best=1.0)
    assert result.runs == [35.0, None]


def test_a_node_that_was_not_always_called_counts_with_zeros() -> None:
    rare = Sample({"pg-input": 10.0, "ip4-icmp-error": 300.0}, 1e6, 256.0, Core(1.5, 1.0))
    assert conclude("a", [[sample(20.0)] * 12 + [rare]], best=1.0).nodes["ip4-icmp-error"] == 0.0


def test_no_samples_are_an_error_that_names_the_case() -> None:
    with pytest.raises(ValueError, match=r"ip4-1: .* nothing"):
        conclude("ip4-1", [[], []], best=1.0)


def test_spread() -> None:
    assert spread([10.0]) == 0.0
    assert spread([10.0] * 9) == 0.0
    assert spread([8.0, 9.0, 10.0, 11.0, 12.0]) == pytest.approx(0.1)  # quarters at 9 and 11
    assert spread([0.0, 0.0, 0.0]) == 0.0
