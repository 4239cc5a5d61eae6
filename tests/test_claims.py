"""What README, the newest section of the changelog and the documentation claim of results: each claim names its test.

A sentence that speaks of a result is traced: to a test that would fail if it were wrong, or, for a comparison with a
version that is no longer there, to the closed list of what was measured once. A new sentence of this kind without a
trace fails here.
"""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import gym_suite

ROOT = Path(__file__).resolve().parent.parent
#: Words by which a sentence speaks of a result.
RESULT = re.compile(
    r"\d[\d.,]* ?%|\btimes as\b|\btwice\b|\btimes (as|longer|faster)\b|faster|slower|sooner|\bbeats?\b|\bloses?\b|"
    r"\bearns? (more|most|less|at least)\b|no episode|takes longer|strongest|errors are|without a trip|"
    r"\bsurvives?\b|than geometric|in (every|all) settings?\b|half a minute|half the CPU|"
    r"\b(\d+|none|one|two|three|four|all) of (the |these |its |them |our )?\d+\b|"
    r"\btrips\b|\btripped\b|(episodes|drives|of them|may|still) trip\b|"
    r"(rises?|falls?|from) (from )?\d[\d.,]* to \d|\b\d+ (fresh |other )?(seeds|episodes)\b"
)
#: A part of the sentence, in one line, and the test that holds it.
TRACED = {
    "each earns at least 0.98 of geometric": "drones/test_policies.py::"
    "test_policies_that_learned_on_plants_that_differ_survive_what_is_not_nominal",
    "None of 20 vehicles is lost to any of them": "drones/test_aimed_policies.py::"
    "test_policies_at_commanded_velocities_lose_no_drone_and_earn_nearly_what_indi_does",
    "In wind they lose some that `relaxed` keeps": "drones/test_aimed_policies.py::"
    "test_with_a_rotor_lost_in_wind_policies_lose_vehicles_that_the_reference_keeps",
    "and they together at least 0.98": "drones/test_aimed_policies.py::"
    "test_policies_that_lose_a_rotor_lose_no_vehicle_and_earn_nearly_what_the_reference_does",
    "through gates at least 0.99 of what `racing` does": "drones/test_aimed_policies.py::"
    "test_policies_race_through_gates_without_a_crash_and_earn_nearly_what_the_reference_does",
    "Of 100 other vehicles that are 30 % off": "drones/test_aimed_policies.py::"
    "test_of_100_other_vehicles_policies_lose_some_that_the_reference_does_not",
    "and in at least 17 with 30 % mismatch, where `descent` lands in all": "drones/test_aimed_policies.py::"
    "test_policies_land_and_where_the_vehicle_is_another_fewer_than_the_reference",
    "earn against PI control by rule": "test_drive_ladders.py::"
    "test_the_page_and_the_readme_say_what_the_recorded_ladders_say",
    "at most 5 % more work": "comparison/test_pieces.py::"
    "test_parts_are_as_short_as_they_are_to_be_or_as_many_as_are_little_more_work",
    "wins, ties and loses is corrected for all pairs": "comparison/test_leaderboard.py::"
    "test_outcomes_of_learning_are_corrected_for_all_pairs_of_policies_and_laws",
    "a pair of a policy and a law is mixed where": "comparison/test_leaderboard.py::"
    "test_nobody_wins_who_fails_more_often",
    "and where learning wins, ties and loses. A row": "test_docs_leaderboard.py::"
    "test_a_page_says_who_is_best_how_sure_and_where_learning_stands",
    "within 0.5 % of the torque asked for": "motors/test_controllers.py::"
    "test_torque_is_the_one_asked_for_or_the_largest_and_never_less_for_a_larger_command",
    "numbers are off by 30 %": "motors/test_dc_envs.py::test_no_episode_trips_in_its_first_period",
    "between 10 % of the nominal speed and all of it": "motors/test_sensorless.py::"
    "test_references_lie_between_10_percent_of_the_nominal_speed_and_all_of_it",
    "8 % of the nominal speed neither drives": "motors/test_sensorless.py::"
    "test_a_drive_turns_as_its_first_reference_asks_but_no_slower_than_it_starts",
    "none loses the angle in a step from 10 to 100 % of the nominal speed": "motors/test_sensorless.py::"
    "test_a_step_from_10_to_100_percent_of_the_nominal_speed_is_followed_without_loss_of_lock",
    "no episode of its test trips": "motors/test_ac_drives.py::"
    "test_reference_controller_follows_without_a_trip",
    "together lose least": "motors/test_least_loss.py::"
    "test_losses_are_never_above_those_of_least_current_and_equal_an_independent_optimum",
    "which 60 V move by 0.5 % of the limit in a period": "motors/test_peer_errors.py::"
    "test_the_map_of_a_period_is_the_closed_form_of_the_circuit",
    "In the nominal plant it earns more than `pi` on current and torque ids": "test_drive_ladders.py::"
    "test_deadbeat_control_earns_more_than_pi_nominally_and_mostly_less_with_noise",
    "In the ladders each earns more than `pi` in the nominal plant, without a trip": "test_drive_ladders.py::"
    "test_laws_that_know_the_shaft_earn_more_nominally_and_less_in_single_settings",
    "so references keep to 95 % of it": "motors/test_peer_errors.py::"
    "test_two_axes_are_not_asked_for_more_than_their_common_limit",
    "None of 20 episodes trips nominally, with noise, with mismatch or with delay": "motors/"
    "test_dc_envs.py::test_torque_control_of_two_windings_overshoots_no_limit_while_the_field_grows",
    "20 seeds of each id pass without a trip": "motors/test_saturation.py::"
    "test_the_reference_controller_never_trips",
    "its errors are 0.62 to 0.65 of the constant thrust's over whole flights": "test_claims.py::"
    "test_the_errors_of_the_measured_model_are_those_of_the_page_that_a_program_wrote",
    "`preview-derating` earns more than `derating` from a hot start": "motors/test_derating.py::"
    "test_a_hot_drive_bears_the_demand_and_looking_ahead_earns_more_than_the_line",
    "20 seeds each pass without a trip nominally, with noise, with mismatch": "motors/"
    "test_direct_torque.py::test_no_drive_trips_and_the_torque_is_followed",
    "Of 20 seeds of each id none trips nominally, with 1 % noise": "motors/test_flux_control.py::"
    "test_no_drive_trips_nominally_with_noise_with_a_late_action_or_disturbed",
    "with 30 % mismatch at most one of the PMSM does and none of the SCIM": "motors/test_flux_control.py::"
    "test_of_machines_that_are_others_few_trip",
    "one verdict over all settings": "comparison/test_scores.py::"
    "test_the_verdict_over_settings_stands_in_the_headline_and_the_worst_decides_the_order",
    "A reference that hardly beats doing nothing is flagged": "comparison/test_scores.py::"
    "test_a_reference_that_hardly_beats_doing_nothing_is_flagged_and_left_out_of_totals",
    "under the disturbance, and not with 1 % noise or a late action": "test_claims.py::"
    "test_the_shipped_policies_of_current_control_are_above_and_below_pi_where_it_is_said",
    "earn more than PI with 30 % mismatch, less in the other four settings": "test_claims.py::"
    "test_the_shipped_policies_of_current_control_are_above_and_below_pi_where_it_is_said",
    'PPO "beats the PI controller in current control"': "test_claims.py::"
    "test_the_shipped_policies_of_current_control_are_above_and_below_pi_where_it_is_said",
    "earns at least what `pi` does with 1 % noise": "motors/test_predictive.py::"
    "test_soft_predictive_control_survives_what_is_not_nominal",
    "made to earn most in the nominal plant": "motors/test_predictive.py::"
    "test_order_of_the_ladder_on_the_nominal_plant",
    "earn more in the nominal plant for many": "motors/test_predictive.py::"
    "test_order_of_the_ladder_on_the_nominal_plant",
    "it follows a speed without a trip nominally": "motors/test_observed.py::"
    "test_speed_is_followed_without_a_trip_and_about_as_well_as_by_pi_or_better",
    "at every sample under 1 % noise, and episodes tripped; with it none does": "motors/test_observed.py::"
    "test_noise_on_the_cycle_trips_neither_observer_nor_reference_whose_error_is_filtered",
    "the cycle without a trip with 1 % noise, and uses": "motors/test_observed.py::"
    "test_noise_on_the_cycle_trips_neither_observer_nor_reference_whose_error_is_filtered",
    "above `pid` in each, and in tracking reaches more than 0.8": "drones/test_controllers.py::"
    "test_a_law_whose_gains_were_searched_fits_its_task",
    "on 30 % mismatch each earns more than by its rule": "drones/test_controllers.py::"
    "test_a_law_whose_gains_were_searched_fits_its_task",
    "the searched gains earn more than all ten policies": "motors/test_founding_drive.py::"
    "test_searched_gains_earn_more_than_the_policies_and_those_stand_beside_the_rule",
    "seven of ten more than the cascade by rule": "motors/test_founding_drive.py::"
    "test_searched_gains_earn_more_than_the_policies_and_those_stand_beside_the_rule",
    "trained on plants that differ: each earns more than the cascade": "motors/test_drive_policies.py::"
    "test_policies_that_command_the_torque_of_an_induction_machine_earn_more_than_the_cascade_by_rule",
    "which trips in at most one of 20, earns more": "motors/test_drive_policies.py::"
    "test_under_a_disturbing_load_these_policies_trip_in_most_episodes_and_the_cascade_earns_more",
    "the means stand in the same order": "learning/test_same_columns.py::"
    "test_what_the_documentation_says_of_it_is_what_was_found",
    "counts of the pose succeed more often than PPO alone": "learning/test_same_columns.py::"
    "test_what_the_documentation_says_of_it_is_what_was_found",
    "each earns less than `pi` in every setting": "motors/test_drive_policies.py::"
    "test_policies_that_share_torque_between_field_and_stator_earn_less_than_the_table_of_points",
    "settings each earns less than `fcs-mpc`": "motors/test_drive_policies.py::"
    "test_policies_that_choose_switching_states_earn_less_than_the_search_over_them",
    "a jammer trained nominally earns 80, and -80 where its actions come a slot late": "radio/test_policies.py::"
    "test_a_jammer_trained_on_late_actions_too_loses_less_of_them_than_one_that_never_met_them",
    "at least 0.93 of it hovering, 0.84 tracking and 0.88 in pairs": "drones/test_policies.py::"
    "test_in_wind_policies_crash_in_none_of_20_episodes_and_earn_less_than_geometric_control",
    "Of 400 others that are 30 % off, of which geometric control loses none": "drones/test_policies.py::"
    "test_of_400_other_vehicles_policies_lose_single_ones",
    "learned on vehicles that are up to 45 % off": "drones/test_policies.py::"
    "test_policies_learned_on_vehicles_up_to_45_percent_off_and_decide_by_eight_observations",
    "mismatch and with a late action, none of `ppo` crashes": "drones/test_policies.py::"
    "test_policies_that_learned_on_plants_that_differ_survive_what_is_not_nominal",
    "do not trip on these in 20 nominal episodes each": "motors/test_supplies.py::"
    "test_the_reference_controllers_do_not_trip_on_the_shipped_supplies",
    "is the textbook's closed form within 0.3 %": "motors/test_carrier.py::"
    "test_the_distortion_of_the_current_is_the_textbooks_and_space_vectors_have_less",
    "disturbance, and without a trip (three seeds each, 1 mF)": "motors/test_three_level.py::"
    "test_the_neutral_point_is_balanced_and_nothing_trips_in_five_settings",
    "alone ends at 95 % of it": "motors/test_overmodulation.py::"
    "test_drives_reach_the_commanded_fundamental_where_the_hexagon_ends_at_95_percent",
    "with 95 % intervals, residuals and errors of prediction": "motors/test_identification.py::"
    "test_intervals_hold_the_truth_as_often_as_they_say",
    "have to agree within 15 %": "motors/test_datasheet.py::test_what_does_not_fit_is_refused",
    "that differ (187 candidates for tracking, 180 for hovering)": "test_claims.py::"
    "test_the_candidates_of_a_search_are_those_that_its_file_counts",
    "both earn more than geometric control": "drones/test_controllers.py::"
    "test_strong_laws_stand_above_geometric_control",
    "sooner than `a_star` in the nominal plant of the two scenes": "agv/test_controllers.py::"
    "test_tuned_sampling_arrives_always_and_sooner_than_planning",
    "in the nominal plant nobody is sooner there": "agv/test_bounds.py::"
    "test_nobody_is_sooner_than_the_bound",
    "within 1.35 times of it, and never below": "agv/test_bounds.py::"
    "test_nobody_is_sooner_than_the_bound",
    "4.3 % overshoot and a phase margin of 65.5 degrees": "controllers/test_tuning.py::"
    "test_magnitude_optimum_overshoots_by_4_3_percent",
    "at the electrical frequency and unlike gains at twice that": "motors/test_sensors.py::"
    "test_an_offset_ripples_the_torque_at_the_electrical_frequency_and_a_gain_at_twice_that",
    "state feedback earns more than `notch`, and that more than `pi`, in every setting": "motors/test_vibration.py::"
    "test_state_feedback_earns_more_than_notch_and_that_more_than_pi_in_every_setting",
    "ids that have it and less on": "test_drive_ladders.py::"
    "test_the_page_and_the_readme_say_what_the_recorded_ladders_say",
    "ids where its search found other gains than the rule's": "test_drive_ladders.py::"
    "test_a_search_that_came_back_to_the_rule_is_one_controller_and_counted_once",
    "On 14 of them nothing better than the rule's gains was found": "test_drive_ladders.py::"
    "test_a_search_that_came_back_to_the_rule_is_one_controller_and_counted_once",
    "on other ids a hundred and more were not better either": "test_drive_ladders.py::"
    "test_a_search_that_came_back_to_the_rule_is_one_controller_and_counted_once",
    "one of the eight episodes of the ladder trips where none does under `pi`": "test_drive_ladders.py::"
    "test_with_mismatch_single_episodes_trip_of_the_laws_that_know_the_model",
    "one of eight episodes of `gem/EESM-v0` trips with mismatch": "test_drive_ladders.py::"
    "test_with_mismatch_single_episodes_trip_of_the_laws_that_know_the_model",
    "where they know a machine with other parameters, more of them trip": "test_drive_ladders.py::"
    "test_without_a_sensor_deadbeat_currents_earn_as_the_cascade_and_more_drives_trip_with_mismatch",
    "has recorded it (98 of 98 ids)": "test_ladders.py::"
    "test_every_id_of_one_agent_has_a_ladder_as_the_changelog_says",
    "interquartile means of eight episodes, none of which trips": "test_ladders.py::"
    "test_what_a_delay_costs_laws_that_do_not_know_it_is_what_the_page_says",
    "No recorded reference controller trips there": "test_step_responses.py::"
    "test_a_reference_controller_follows_and_does_not_trip",
    "is what the largest training or search of ours for that id was given": "comparison/test_budgets.py::"
    "test_the_budget_of_a_protocol_is_that_of_the_largest_training_or_search",
    "searched with fewer steps than the policies beside them had that they were": "comparison/test_budgets.py::"
    "test_the_changelog_names_whose_gains_were_searched_with_fewer",
    "one of `gem/EESM-Torque-v0` trips, and none of": "motors/test_holding.py::"
    "test_as_many_episodes_trip_as_the_changelog_says",
    "of 100 seeds of each none trips now": "motors/test_holding.py::"
    "test_as_many_episodes_trip_as_the_changelog_says",
    "A load beyond the machine's torque no longer trips `gem/SynRM-Speed-v0`": "motors/test_holding.py::"
    "test_as_many_episodes_trip_as_the_changelog_says",
    "while the other still filled the circle, and drives tripped": "motors/test_holding.py::"
    "test_the_current_along_the_field_does_not_grow_while_the_other_fills_the_circle",
    "Of 100 seeds of `gem/SaturatedPMSM-Torque-v0` none trips": "motors/test_holding.py::"
    "test_as_many_episodes_trip_as_the_changelog_says",
    "of 100 seeds of `gem/DFIM-Torque-v0` with mismatch none trips": "motors/test_holding.py::"
    "test_as_many_episodes_trip_as_the_changelog_says",
    "of 200 episodes of `gem/DFIM-v0` with either none trips now": "motors/test_holding.py::"
    "test_as_many_episodes_trip_as_the_changelog_says",
    "the seeds from 50,000 on, 4 still trip": "motors/test_holding.py::"
    "test_as_many_episodes_trip_as_the_changelog_says",
    "`pi` of `gem/ExtExDc-Torque-v0` and `gem/ShuntDc-Torque-v0` tripped with mismatch": "motors/test_dc_envs.py::"
    "test_torque_control_of_two_windings_overshoots_no_limit_while_the_field_grows",
    "at most one trips with `mpc-soft`, and nominally or with a late action none": "motors/test_predictive.py::"
    "test_a_course_to_a_torque_hardly_ever_trips_a_machine_that_is_not_the_nominal_one",
    "below half of its error in 10 of 19 quantities": "motors/test_peer_errors.py::"
    "test_half_of_its_error_is_reached_or_out_of_reach",
    "one of 2 K gives more, over whole episodes": "motors/test_derating.py::"
    "test_over_whole_episodes_looking_ahead_gives_more_than_the_narrowest_line",
    "drives it there, no longer trips": "motors/test_dc_envs.py::"
    "test_a_shaft_that_is_driven_beyond_the_speed_of_self_excitation_does_not_trip_the_drive",
    "No episode of the tests trips nominally": "motors/test_brushless.py::"
    "test_the_reference_controller_follows_without_a_trip_in_five_settings",
    "none of 20 episodes of 3 s is lost": "drones/test_many_rotors.py::"
    "test_six_and_eight_rotors_fly_on_without_any_of_them",
    "none of 20 drones is lost in any of the five settings": "drones/test_time_optimal.py::"
    "test_it_is_flown_in_the_other_settings_without_loss_too",
    "compiles its physics": "test_claims.py::test_the_time_of_a_first_start_is_the_same_everywhere",
    "takes half a minute a family": "test_claims.py::"
    "test_the_time_of_a_first_start_is_the_same_everywhere",
}
#: Compared with the first version, or timed, when it was written: `gym-suite bench` measures it on a machine.
MEASURED_ONCE = (
    "Nominally their returns fall by 0.70 and 0.14 %",
    "its returns fall by 0.46 % nominally",
    "steps 1.13 to 1.2 times as fast",
    "`gem/BLDC-v0` steps some seven times as fast",
    "where returns change by less than 0.02 %",
    "nominally it returns 0.58 % less",
    "Returns change by -0.06 to +0.1 % in nominal, noise and delay",
    "**A reset draws its current references ten times as fast**",
    "took 71 and 84 ns in turn with 64 and 104 of ours",
    "takes 0.01 s instead of over one",
    "steps more than twice as fast, the bare step",
    "The reference controller tripped in 3 to 4 % of the episodes",
    "takes 0.7 of a flying one's time (18 times as long before)",
    "a lone drone with them takes two to three times as long",
    "what `DummyVecEnv` over single environments gives, many times faster",
    "costs 0.6 to 0.9 of one through `make`",
    "33 s before, 12 s after, in turn on a busy machine",
    "12 seeds and two workers, `compare` took, version 0.1.0 and now in turn with all else stopped",
    "the default 20 seeds and one worker, `compare` took, version 0.1.0 and now in turn",
)
#: What looks like a result and is none: a tolerance, a failure that a keyword asks for, a factor in a formula.
NO_RESULT = (
    "`constraints=` adds trips to those of the current limits",
    "records rise time, overshoot, steady-state error, mean error and trips",
    "a temperature beyond its limit is no start, and trips",
    "which lies near the limit that trips the drive",
    "flies in either engine, from 2 to 100 drones",
    "whose field is kept at 30 % of its limit (`least_field`)",  # a setting, of docs/peer_errors.py
    "with noise of 1 % on what sensors measure; on a bench a drive writes it",
    "right within the tolerance of its question, mostly 2 %",
    "a rotor that loses thrust, the battery's charge",
    "If the true one is $k$ times as large",
    "specifications do not survive JSON with them",
    "nothing counts twice, for results are known",
    "where learning wins, ties and loses",
    "at the ratio of simulated to real time between the last two states",
)


def texts():
    """Return what is searched: README, the newest section of the changelog, the documentation's pages."""
    newest = (ROOT / "CHANGELOG.md").read_text("utf-8").split("\n## 0.1.0")[0]
    found = {"README.md": (ROOT / "README.md").read_text("utf-8"), "CHANGELOG.md": newest}
    for path in [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*/*.md")]:
        by_program = path.parent.name in ("validation", "static") or path.name == "leaderboard.md"
        if not by_program:  # a test of its own works such a page out again
            found[path.relative_to(ROOT).as_posix()] = path.read_text("utf-8")
    return found


def sentences(text):
    """Yield the sentences of Markdown, each in one line, without code and formulas."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$", "", text, flags=re.DOTALL)
    for part in re.split(r"\n\s*\n|\n(?=[-*|#])", text):
        yield from re.split(r"(?<=[.:;])\s+(?=[A-Z`*])", " ".join(part.split()))


TEXTS = texts()
KNOWN = (*TRACED, *MEASURED_ONCE, *NO_RESULT)


@pytest.mark.parametrize("name", TEXTS)
def test_every_sentence_about_results_is_traced(name):
    loose = [
        sentence
        for sentence in sentences(TEXTS[name])
        if RESULT.search(sentence) and not any(part in sentence for part in KNOWN)
    ]
    assert not loose, "name the test that holds it in TRACED, or say less:\n" + "\n".join(loose)


@pytest.mark.parametrize("part", KNOWN)
def test_every_claim_still_stands_and_its_test_exists(part):
    everything = " ".join(" ".join(text.split()) for text in TEXTS.values())
    assert part in everything, "the sentence is gone: take it off the list"
    if part in TRACED:
        file, _, name = TRACED[part].partition("::")
        tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
        assert name in {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}


def test_the_time_of_a_first_start_is_the_same_everywhere():
    """README, documentation and doctor name one time, the one that is said while it compiles."""
    said = "half a minute"
    sources = (ROOT / "gym_suite" / name for name in ("doctor.py", "core/kernel.py"))
    pages = (TEXTS[name] for name in ("README.md", "docs/start.md", "docs/teaching.md"))
    for text in (*pages, *(path.read_text("utf-8") for path in sources)):
        assert said in " ".join(text.split())
        assert "ten seconds" not in text


def test_what_two_workers_of_bullet_give_is_what_was_measured():
    """The guide's numbers are those that the changelog recorded when they were measured."""
    guide, changelog = (
        " ".join(TEXTS[name].split()) for name in ("docs/guides/cluster.md", "CHANGELOG.md")
    )
    said = re.search(
        r"gave 64 worlds ([\d.]+) times .*?8 worlds with depth pictures ([\d.]+), and 8 worlds without pictures "
        r"([\d.]+),",
        guide,
    )
    measured = re.search(
        r"64 worlds of `drones/Hover-v0` ([\d.]+) times the steps a second \([\d.]+ before\), 8 worlds ([\d.]+) "
        r"\([\d.]+\), 8 worlds with depth pictures ([\d.]+) ",
        changelog,
    )
    assert said and measured
    assert said.groups() == (measured[1], measured[3], measured[2])


def test_the_errors_of_the_measured_model_are_those_of_the_page_that_a_program_wrote():
    """The page is of whole flights, of which the first 14 s ship."""
    page = (ROOT / "docs/validation/drones.md").read_text("utf-8")
    (line,) = (row for row in page.splitlines() if row.startswith("Error of the measured model"))
    ratios = [float(number) for number in re.findall(r"([0-9.]+) \(worst flight", line)]
    assert len(ratios) == 4
    assert f"{min(ratios):.2f} to {max(ratios):.2f} of the constant" in TEXTS["CHANGELOG.md"]


def test_the_candidates_of_a_search_are_those_that_its_file_counts():
    from gym_suite.learning.gains import load_gains, shipped_gains

    counted = [
        load_gains(shipped_gains(f"drones/{name}-v0", "pid-tuned")).about["trials"]
        for name in ("Track", "Hover")
    ]
    assert (
        f"{counted[0]} candidates for tracking, {counted[1]} for hovering" in TEXTS["CHANGELOG.md"]
    )


def test_no_sentence_calls_an_agent_strong_beyond_where_it_was_judged():
    """What the rank "strong" means is said with the setting in which it holds."""
    from gym_suite.core.cards import RANKS

    assert "nominal" in RANKS["strong"]
    assert "strongest" not in " ".join(RANKS.values())


@pytest.mark.parametrize(
    ("setting", "above"),
    [
        ("nominal", {"ppo": False, "ppo-nominal": True}),
        ("noise", {"ppo": False, "ppo-nominal": False}),
        ("mismatch", {"ppo": True}),
        ("delay", {"ppo": False, "ppo-nominal": False}),
        ("disturbance", {"ppo": False, "ppo-nominal": True}),
    ],
)
def test_the_shipped_policies_of_current_control_are_above_and_below_pi_where_it_is_said(
    setting, above
):
    run = gym_suite.compare(
        "gem/PMSM-v0",
        agents=[*above],
        settings=[setting],
        seeds=range(60_000, 60_012),
        progress=False,
    )

    def earned(agent):
        return np.mean([r["metrics"]["return"] for r in run.records if r["agent"]["name"] == agent])

    assert {name: earned(name) > earned("pi") for name in above} == above
