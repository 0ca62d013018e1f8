"""Damages the session core at random and tells which scenario notices: see ci/damage."""

import argparse
import glob
import os
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from draw import Catalogue
from image import Image
from judge import Judge
from source import Source

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def read_sources(folder, wanted):
    """The sources of these names, or all of the folder."""
    sources = []
    paths = {os.path.basename(path): path for path in glob.glob(os.path.join(folder, '*.c'))}
    for name in wanted:
        if name not in paths:
            raise SystemExit(f'damage: {folder} has no {name}; it has {", ".join(sorted(paths))}')
    for name, path in sorted(paths.items()):
        if name == 'trace.c' or (wanted and name not in wanted):   # trace.c only tells
            continue
        with open(path, encoding='utf-8') as file:
            sources.append(Source(name, file.read()))
    return sources


def read_range(text):
    first, _, last = text.partition('..')
    try:
        seeds = range(int(first), int(last or first) + 1)
    except ValueError:
        seeds = ()
    if not seeds:
        raise argparse.ArgumentTypeError(f"'{text}' is no range of seeds; try 1..60")
    return seeds


def read_part(text):
    part, _, parts = text.partition('/')
    if not (part.isdigit() and parts.isdigit() and 0 < int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"'{text}' is no part of the sites; try 1/3")
    return int(part), int(parts)


def read_arguments():
    parser = argparse.ArgumentParser(prog='ci/damage', description=__doc__)
    parser.add_argument('seeds', nargs='?', type=read_range,
                        help='FIRST..LAST, or one (1..60); with --part: numbers of sites (all)')
    parser.add_argument('--files', type=lambda text: text.split(','), default=[],
                        help='damage these only: conn.c,page.c')
    parser.add_argument('--part', type=read_part, metavar='K/N',
                        help='every site of the K-th of N parts, dealt by chance')
    parser.add_argument('--list', action='store_true',
                        help='print the first candidate of each seed, and build nothing')
    parser.add_argument('--core', default=os.path.join(ROOT, 'core'), help='folder of sources')
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'), help='build tree')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='variants at a time')
    parser.add_argument('--runs', type=int, default=0,
                        help='at most so many executions of a scenario, for a first look')
    parser.add_argument('--keep', metavar='DIR', help='keep sources, images and reports there')
    arguments = parser.parse_args()
    if arguments.seeds is None and arguments.part is None:
        arguments.seeds = range(1, 61)
    return arguments


def place_and_change(text):
    """A line of the table without seed and line number, which other changes of the core move."""
    return re.sub(r'^\s*(?:\d+ )?(core/\w+\.c):\d+ ', r'\1 ', text.rstrip('\n'))


def read_equal():
    """What is known to change nothing."""
    with open(os.path.join(HERE, 'equal'), encoding='utf-8') as file:
        return {place_and_change(line) for line in file if not line.startswith('#')}


def describe(damage):
    return (f'core/{damage.source.name}:{damage.line()} {damage.statement.function} '
            f'[{damage.kind}] {damage.what()}')


class Work:
    """Builds and judges the variants."""

    def __init__(self, arguments, draw):
        self.draw = draw
        # The core as it ships, and the one that tells of every access.
        self.images = {name: Image(arguments.build, name) for name in ('undamaged', 'races')}
        self.keep = arguments.keep
        paths = glob.glob(os.path.join(ROOT, 'scenarios', '*.scn')) + \
            glob.glob(os.path.join(ROOT, 'scenarios', 'pinned', '*.scn'))
        self.judge = Judge(arguments.build, sorted(paths), arguments.runs)

    def first_that_changes(self, seed, folder):
        """The first candidate that compiles to other code than the core's."""
        for damage in self.draw(seed):
            path = os.path.join(folder, damage.source.name)
            code = []
            for text in (damage.source.text, damage.applied()):
                with open(path, 'w', encoding='utf-8') as file:
                    file.write(text)
                code.append(self.images['undamaged'].code_of(path))
            if code[0] is None:
                raise SystemExit(f'damage: core/{damage.source.name} does not compile')
            if code[1] is not None and code[0] != code[1]:
                return damage, path
        return None   # a single site can be no change at all

    def variant(self, seed):
        if self.keep:
            folder = os.path.join(os.path.abspath(self.keep), str(seed))
            os.makedirs(folder, exist_ok=True)
        else:
            folder = tempfile.mkdtemp()
        try:
            found = self.first_that_changes(seed, folder)
            if found is None:
                return None
            damage, path = found
            images = {name: image.make(path) for name, image in self.images.items()}
            if None in images.values():   # a call that the simulated world does not know
                return seed, damage, None, True
            return seed, damage, self.judge.judge(images, folder), False
        finally:
            if not self.keep:
                shutil.rmtree(folder)


def tell(seed, damage, verdict, refused, equal):
    caught = verdict is not None or refused
    if refused:
        by = 'the build of the image'
    elif verdict:
        by = f'{verdict.scenario}: {verdict.check}, {verdict.runs} executions'
    else:
        by = 'EQUAL' if equal else 'SURVIVES'
    print(f'{seed:5} {describe(damage)}\n      {by}', flush=True)
    return caught


def choose(arguments):
    """The numbers of the variants, and what gives the candidates of each."""
    catalogue = Catalogue(read_sources(arguments.core, arguments.files))
    if arguments.part is None:
        return arguments.seeds, catalogue.draw
    sites = catalogue.part(*arguments.part)
    numbers = arguments.seeds or range(1, len(sites) + 1)
    return [number for number in numbers if number <= len(sites)], \
        lambda number: iter(sites[number - 1:number])


def main():
    arguments = read_arguments()
    numbers, draw = choose(arguments)
    if arguments.list:
        for number in numbers:
            print(f'{number:5} {describe(next(draw(number)))}')
        return 0
    work = Work(arguments, draw)
    known = read_equal()
    count = caught = equal = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for seed, damage, verdict, refused in filter(None, pool.map(work.variant, numbers)):
            is_equal = place_and_change(describe(damage)) in known
            count += 1
            if tell(seed, damage, verdict, refused, is_equal):
                caught += 1
            elif is_equal:
                equal += 1
    print(f'\n{caught} of {count} caught ({100 * caught // max(count, 1)} %), '
          f'{equal} change nothing, {count - caught - equal} survive')
    return 0 if count == caught + equal else 1


if __name__ == '__main__':
    sys.exit(main())
