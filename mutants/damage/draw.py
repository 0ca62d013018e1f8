"""The variant of a seed: always the same one for the same sources.

A kind of damage is drawn first, so that rare kinds come up as often as others; then a statement of
the core, so that a function comes up by its size; then one of its damages of that kind.
"""

import hashlib

from sites import KINDS, find_sites


class Draws:
    """Numbers that depend on the seed alone, on every machine and with every Python."""

    def __init__(self, seed):
        self.seed, self.count = seed, 0

    def below(self, bound):
        self.count += 1
        word = hashlib.sha256(f'{self.seed}.{self.count}'.encode()).digest()
        return int.from_bytes(word[:8], 'big') % bound


class Catalogue:
    """All damages of all files, by kind and statement."""

    def __init__(self, sources):
        self.statements = [(source.name, statement.start)
                           for source in sources
                           for function in source.functions for statement in function]
        self.by_kind = {kind: {} for kind in KINDS}
        self.sites = [site for source in sources for site in find_sites(source)]
        for site in self.sites:
            place = (site.source.name, site.statement.start)
            self.by_kind[site.kind].setdefault(place, []).append(site)

    def draw(self, seed):
        """The candidates of this seed, one after another: the first that is a change counts."""
        draws = Draws(seed)
        while True:
            places = self.by_kind[KINDS[draws.below(len(KINDS))]]
            place = self.statements[draws.below(len(self.statements))]
            while places and place not in places:
                place = self.statements[draws.below(len(self.statements))]
            if places:
                sites = places[place]
                yield sites[draws.below(len(sites))]

    def part(self, part, parts):
        """The part-th of so many disjoint parts of all sites: each goes to one by chance alone."""
        return [site for number, site in enumerate(self.sites)
                if Draws(f'part {number}').below(parts) == part - 1]
