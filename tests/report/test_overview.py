"""What a page shows over several cases and settings."""

import re
from dataclasses import replace

from hpcbench.report import html, overview
from hpcbench.report.standing import races
from hpcbench.spec import Setting


def _shown(evidence):
    return [race for case in evidence.case_names for race in races(evidence, case)]


def test_the_heat_map_has_a_row_per_arm_and_one_where_an_arm_is_fastest(evidence):
    table = overview.heat(_shown(evidence))
    arms = {row.name for race in _shown(evidence) for row in race.rows}
    assert table.count('<tr><th scope="row"') == len(arms)
    assert len(re.findall(r'heat0" data-title="[^"]*">1\.00<', table)) >= len(_shown(evidence))
    hash_openmp = table.split("hash_openmp 2t</th>")[1].split("</tr>")[0]
    assert re.findall(r">([\d.]+)</td>", hash_openmp) == ["1.00", "6.92"]
    assert overview.heat(_shown(evidence)[:1]) == ""


def test_the_roofline_has_a_point_for_every_case_whose_least_work_is_known(evidence):
    chart = overview.roofline(evidence, _shown(evidence), "k")
    assert "er60k" in chart
    assert "blockdiag" not in chart
    assert 'class="narrow"' in chart
    assert overview.roofline(replace(evidence, cases={}), _shown(evidence), "k") == ""


def test_scaling_is_drawn_for_arms_on_several_settings_only(evidence):
    race = _shown(evidence)[0]
    assert overview.scaling(race, "k") == ""
    more = tuple(
        replace(r, setting=Setting(threads=t), call_s=r.call_s / gain, candidate=f"{r.candidate}{t}", samples=f"{t}")
        for r in evidence.results if r.variant == "heap_openmp" for t, gain in ((1, 0.5), (4, 1.5))
    )  # fmt: skip
    several = replace(evidence, results=(*evidence.results, *more))
    chart = overview.scaling(_shown(several)[0], "k")
    assert "heap_openmp 3.00x on 4" in chart
    assert "hash_serial" not in chart


def test_the_page_holds_them(evidence):
    page = html.page(evidence, "t")
    assert "All cases" in page
    assert "Roofline" in page
