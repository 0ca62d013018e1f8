"""Runs scenarios against the image of a damaged core until one of them objects."""

import json
import os
import re
import subprocess

# Crude damage breaks the first runs of something; what survives these gets the whole budgets.
FIRST_BUDGETS = (20, 400)

# A scenario takes seconds. A core that computes for ever never comes back to the simulated world.
HANG_SECONDS = 300


class Verdict:
    """What caught a damaged core, and how many executions of that scenario it took."""

    def __init__(self, scenario, check, runs):
        self.scenario, self.check, self.runs = scenario, check, runs


class Scenario:
    """A file: whether it explores or is one pinned execution, and which core it asks for."""

    def __init__(self, path):
        with open(path, encoding='utf-8') as file:
            text = file.read()
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.explores = re.search(r'^ +budget ', text, flags=re.M) is not None
        self.image = 'races' if re.search(r'^core .*\bimage=races\b', text, flags=re.M) \
            else 'undamaged'


class Judge:
    """All scenarios: pinned ones first, for they take one execution each."""

    def __init__(self, build, paths, most):
        self.build, self.most = build, most   # most: executions of a scenario; 0: its budget
        self.scenarios = sorted((Scenario(path) for path in paths),
                                key=lambda scenario: scenario.explores)

    def run(self, scenario, images, folder, runs):
        """The verdict on one scenario, or None if it holds."""
        report = os.path.join(folder, 'report.json')
        if os.path.exists(report):
            os.remove(report)
        words = ['./harness', 'run', scenario.path, '--core', images[scenario.image],
                 '--no-shrink', '--json', report, '--reports', os.path.join(folder, 'reports')]
        if runs:
            words += ['--runs', str(runs)]
        try:
            done = subprocess.run(words, cwd=self.build, capture_output=True, check=False,
                                  timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            return Verdict(scenario.name, 'hangs', 0)
        # What a scenario claims to reach is asked of whole budgets only; and a pinned schedule that
        # a core cannot follow says that it does something else, not that it breaks a promise.
        if done.returncode == 0 or (done.returncode == 3 and (runs or not scenario.explores)):
            return None
        if not os.path.exists(report):
            return Verdict(scenario.name, f'exit status {done.returncode}', 0)
        with open(report, encoding='utf-8') as file:
            told = json.load(file)['scenarios'][0]
        failure = told.get('failure')
        if failure:
            return Verdict(scenario.name, failure['name'], failure.get('run', 1))
        reasons = '; '.join(told.get('reasons', [])) or f'exit status {done.returncode}'
        return Verdict(scenario.name, reasons, told.get('explored', {}).get('runs', 0))

    def judge(self, images, folder):
        """The first verdict, with a few executions of all scenarios before many of any."""
        budgets = FIRST_BUDGETS + (None,)
        if self.most:
            budgets = [runs for runs in FIRST_BUDGETS if runs < self.most] + [self.most]
        for runs in budgets:
            for scenario in self.scenarios:
                if not scenario.explores and runs != budgets[0]:
                    continue
                verdict = self.run(scenario, images, folder, runs if scenario.explores else None)
                if verdict:
                    return verdict
        return None
