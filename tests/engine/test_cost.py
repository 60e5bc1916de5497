"""Cost: what a launch is predicted to take, and how that is fitted."""

from __future__ import annotations

import json
from random import Random

import numpy as np
import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.engine.calibration import FORMAT, Calibration
from headrace.engine.cost import TERMS, Cost, Knee, Load, Misfit
from headrace.engine.drift import Drift
from headrace.engine.leastsquares import nonnegative

TRUE = Cost(3e-3, 5e-5, 4e-4, 6e-8, 7e-7, 4e-8)
#: A machine on which the first 8 units of a launch are dear.
FEW = Cost(1e-2, 5e-4, 2e-3, 3e-7, 2e-6, per_few=3e-3, few=8)


def launches(n: int, draw: Random, most: int = 24) -> list[list[tuple[int, int]]]:
    return [
        [
            (1 if draw.random() < 0.5 else draw.randint(1, 64), draw.randint(0, 2000))
            for _ in range(draw.randint(1, most))
        ]
        for _ in range(n)
    ]


class TestSeconds:
    def test_is_the_formula(self) -> None:
        rows = [(3, 10), (1, 7)]
        expected = 3e-3 + 5e-5 * 4 + 4e-4 * 2 + 6e-8 * 37 + 7e-7 * 17 + 4e-8 * 10
        assert TRUE.seconds(rows) == pytest.approx(expected, rel=1e-12)

    def test_one_row_more_equals_all_rows_again(self) -> None:
        draw = Random(1)
        knees = (Knee("rows", 5, Cost(1.0, per_row=0.5)), Knee("units", 200, Cost(2.0)), Knee("reads", 9, Cost(3.0)))
        for cost in (TRUE, FEW, Cost(1e-2, 1e-4, knees=knees)):
            for rows in launches(50, draw):
                load = Load()
                for i, row in enumerate(rows):
                    assert cost.more(load, *row) == cost.seconds(rows[: i + 1])
                    load.add(*row)
                    assert load == Load.of(rows[: i + 1])
                assert cost.of(load) == cost.seconds(rows)

    def test_never_falls_with_a_row_or_a_unit(self) -> None:
        for rows in launches(50, Random(2)):
            n, resident = rows[-1]
            assert TRUE.seconds(rows[:-1]) < TRUE.seconds(rows) < TRUE.seconds([*rows[:-1], (n + 1, resident)])

    def test_expresses_the_published_model(self) -> None:
        """DistServe, OPT-13B on an A100: a + b Σlen + c Σlen² to read; a + b Σcontext + c batch to say, in two fits."""
        reads = Knee("reads", 0, Cost(18.1e-3, per_unit=0.1019e-3, quadratic=7.1e-9))
        large = Knee("rows", 94, Cost(20e-3, per_entry=5e-7, per_row=0.1e-3))
        cost = Cost(19.9e-3, per_entry=6.3e-7, per_row=0.0385e-3, knees=(large, reads))
        assert cost.seconds([(512, 0), (256, 0)]) == pytest.approx(
            18.1e-3 + 0.1019e-3 * 768 + 7.1e-9 * (512**2 + 256**2)
        )
        assert cost.seconds([(1, 300)] * 94) == pytest.approx(19.9e-3 + 6.3e-7 * 94 * 300 + 0.0385e-3 * 94)
        assert cost.seconds([(1, 300)] * 95) == pytest.approx(20e-3 + 5e-7 * 95 * 300 + 0.1e-3 * 95)
        assert cost.seconds([(512, 0)] + [(1, 300)] * 95) == pytest.approx(
            18.1e-3 + 0.1019e-3 * 607 + 7.1e-9 * (512**2 + 95)
        )

    @pytest.mark.parametrize(
        "wrong",
        [
            {"base": -1e-3},
            {"per_pair": float("nan")},
            {"swap_per_byte": float("inf")},
            {"base": True},
            {"base": 0.0},
            {"piece": 0},
        ],
    )
    def test_refuses_what_no_machine_does(self, wrong: dict[str, float]) -> None:
        with pytest.raises(ConfigError, match="Cost"):
            Cost(**wrong)  # type: ignore[arg-type]

    def test_knees_stand_beside_each_other(self) -> None:
        with pytest.raises(ConfigError, match="beside each other"):
            Knee("rows", 3, Cost(1.0, knees=(Knee("rows", 1, TRUE),)))
        with pytest.raises(ConfigError, match="rows, units or reads"):
            Knee("bytes", 3, TRUE)


class TestGone:
    @pytest.mark.parametrize("tokens", [0, 1, 63, 64, 65, 1000, 4096])
    def test_reading_again_is_the_sum_of_its_launches(self, tokens: int) -> None:
        pieces = [(min(64, tokens - before), before) for before in range(0, tokens, 64)]
        for cost in (TRUE, FEW, Cost(1.0, knees=(Knee("reads", 0, FEW),))):
            assert cost.recompute(tokens) == pytest.approx(sum(cost.seconds([piece]) for piece in pieces), rel=1e-12)

    def test_swapping_goes_by_bytes(self) -> None:
        cost = Cost(swap_base=1e-3, swap_per_byte=2e-9, disk_base=5e-3, disk_per_byte=4e-9)
        assert (cost.swap(10**6), cost.disk(10**6)) == pytest.approx((3e-3, 9e-3))

    def test_scaling_scales_everything(self) -> None:
        cost = Cost(1e-3, 1e-4, swap_base=1e-3, swap_per_byte=1e-9, knees=(Knee("rows", 2, TRUE),))
        twice = cost.scaled(2.0)
        for rows in launches(20, Random(3)):
            assert twice.seconds(rows) == pytest.approx(2 * cost.seconds(rows))
        assert (twice.swap(99), twice.recompute(99)) == pytest.approx((2 * cost.swap(99), 2 * cost.recompute(99)))


class TestFit:
    def test_finds_exact_coefficients(self) -> None:
        cost = Cost.fit([(rows, TRUE.seconds(rows)) for rows in launches(60, Random(4))])
        assert [getattr(cost, name) for name in TERMS] == pytest.approx(
            [getattr(TRUE, name) for name in TERMS], rel=1e-6
        )

    def test_finds_how_many_units_are_dear(self) -> None:
        cost = Cost.fit([(rows, FEW.seconds(rows)) for rows in launches(90, Random(9), most=12)])
        assert cost.few == 8
        assert cost.per_few == pytest.approx(3e-3, rel=1e-6)

    def test_finds_each_regime(self) -> None:
        true = Cost(1e-3, per_row=1e-4, per_entry=1e-6, knees=(Knee("rows", 12, TRUE),))
        samples = [(rows, true.seconds(rows)) for rows in launches(120, Random(5))]
        assert Cost.fit(samples, [("rows", 12)]).error(samples).mean < 1e-6
        assert Cost.fit(samples).error(samples).mean > 0.1

    def test_holds_under_noise_and_pauses(self) -> None:
        draw = Random(6)

        def noisy(n: int) -> list[tuple[list[tuple[int, int]], float]]:
            return [
                (rows, TRUE.seconds(rows) * draw.lognormvariate(0, 0.05) * (5 if draw.random() < 0.03 else 1))
                for rows in launches(n, draw)
            ]

        cost = Cost.fit(noisy(90))
        clean = [(rows, TRUE.seconds(rows)) for rows in launches(60, draw)]
        assert cost.error(clean).mean < 0.08

    def test_coefficients_are_never_below_zero(self) -> None:
        draw = Random(7)
        samples = [(rows, 1e-2 / len(rows) * draw.uniform(0.9, 1.1)) for rows in launches(60, draw)]
        cost = Cost.fit(samples)
        assert min(getattr(cost, name) for name in TERMS) == 0.0
        assert cost.base > 0

    def test_error_is_of_the_measured(self) -> None:
        samples = [([(1, 0)], 1e-3 * factor) for factor in (0.5, *[1.0] * 19)]
        assert Cost(1e-3).error(samples) == Misfit(pytest.approx(0.05), pytest.approx(0.0))  # type: ignore[arg-type]
        assert Cost(1e-3).error(samples[:10]) == Misfit(pytest.approx(0.1), pytest.approx(1.0))  # type: ignore[arg-type]

    def test_refuses_too_little(self) -> None:
        samples = [(rows, TRUE.seconds(rows)) for rows in launches(13, Random(8))]
        with pytest.raises(InputError, match="13 samples"):
            Cost.fit(samples)
        with pytest.raises(InputError, match="0 rows"):
            Cost.fit([*samples, ([], 1e-3)])
        with pytest.raises(ConfigError, match="knee"):
            Cost.fit(samples, [("bytes", 1)])


class TestNonnegative:
    def test_is_the_least_among_all_active_sets(self) -> None:
        rng = np.random.default_rng(0)
        for _ in range(40):
            matrix, target = rng.normal(size=(12, 4)), rng.normal(size=12)
            found = nonnegative(matrix, target)
            best = np.linalg.norm(target)
            for mask in range(1, 16):
                chosen = [i for i in range(4) if mask >> i & 1]
                x = np.linalg.lstsq(matrix[:, chosen], target, rcond=None)[0]
                if (x >= 0).all():
                    best = min(best, np.linalg.norm(matrix[:, chosen] @ x - target))
            assert (found >= 0).all()
            assert np.linalg.norm(matrix @ found - target) == pytest.approx(best, rel=1e-9)

    def test_equal_and_empty_terms_do_no_harm(self) -> None:
        matrix = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0], [3.0, 3.0, 0.0]])
        found = nonnegative(matrix, np.array([2.0, 4.0, 6.0]))
        assert found[:2].sum() == pytest.approx(2.0)
        assert found[2] == 0.0


class TestDrift:
    def test_begins_as_a_mean_and_forgets(self) -> None:
        drift = Drift(weight=0.1)
        for measured in (1.2, 1.0, 1.1):
            drift = drift.observe(1.0, measured)
        assert drift.scale == pytest.approx(1.1)
        for _ in range(100):
            drift = drift.observe(2.0, 3.0)
        assert drift.scale == pytest.approx(1.5, rel=1e-3)
        assert drift.seconds(2.0) == pytest.approx(3.0, rel=1e-3)

    def test_an_observation_changes_nothing_but_gives_the_next(self) -> None:
        drift = Drift()
        assert drift.observe(1.0, 2.0) != drift
        assert drift == Drift()
        assert drift.observe(0.0, 2.0) is drift

    def test_one_pause_counts_for_little(self) -> None:
        drift = Drift()
        for _ in range(50):
            drift = drift.observe(1e-3, 1e-3)
        assert drift.observe(1e-3, 1.0).scale == pytest.approx(1.15)

    def test_says_itself(self) -> None:
        assert str(Drift()) == "no tick observed"
        assert str(Drift().observe(1.0, 1.25)) == "1.25 x the calibrated time over 1 tick"
        with pytest.raises(ConfigError, match="weight"):
            Drift(weight=0.0)


def made(**other: object) -> Calibration:
    cost = Cost(1e-3, 1e-4, swap_base=1e-3, knees=(Knee("reads", 0, TRUE),), piece=32)
    given = {
        "cost": cost,
        "machine": "2 cores",
        "model": "tiny",
        "fingerprint": "abc",
        "seed": 3,
        "fitted": 90,
        "held_out": Misfit(0.07, 0.2),
        "reread": None,
        "ratios": (0.9, 1.1),
    }
    return Calibration(**{**given, **other})  # type: ignore[arg-type]


class TestFile:
    @pytest.mark.parametrize("reread", [None, 0.05])
    def test_reads_what_it_wrote(self, tmp_path, reread: float | None) -> None:
        made(reread=reread).save(tmp_path / "c.json")
        assert Calibration.load(tmp_path / "c.json") == made(reread=reread)

    def test_refuses_a_newer_format_in_a_line(self, tmp_path) -> None:
        path = tmp_path / "c.json"
        path.write_text(json.dumps(made().to_json() | {"format": FORMAT + 1}))
        with pytest.raises(InputError, match=rf"c\.json: a calibration of format {FORMAT + 1}") as caught:
            Calibration.load(path)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "change",
        [
            {"cost": {"base": 1.0}},
            {"cost": 3},
            {"cost": made().cost.to_json() | {"base": -1.0}},
            {"cost": made().cost.to_json() | {"colour": 1}},
            {"ratios": [0.0]},
            {"held_out": None},
            {"format": "1"},
        ],
    )
    def test_refuses_damage_in_a_line(self, tmp_path, change: dict[str, object]) -> None:
        path = tmp_path / "c.json"
        path.write_text(json.dumps(made().to_json() | change))
        with pytest.raises(InputError, match=r"c\.json: ") as caught:
            Calibration.load(path)
        assert "\n" not in str(caught.value)

    def test_refuses_what_is_no_file(self, tmp_path) -> None:
        (tmp_path / "text.json").write_text("no json")
        for name in ("none.json", "text.json"):
            with pytest.raises(InputError, match=name):
                Calibration.load(tmp_path / name)
        with pytest.raises(InputError, match="no folder"):
            made().save(tmp_path / "none" / "c.json")

    def test_one_is_packaged(self) -> None:
        found = Calibration.measured("tiny-llama")
        assert found.model == "tiny-llama"
        assert found.machine
        assert found.cost.seconds([(1, 100)]) > 0
        assert found.held_out.mean <= 0.1
        with pytest.raises(InputError, match="tiny-llama"):
            Calibration.measured("huge-llama")
