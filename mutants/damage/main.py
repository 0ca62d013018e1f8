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


def read_sources(folder):
    sources = []
    for path in sorted(glob.glob(os.path.join(folder, '*.c'))):
        if os.path.basename(path) == 'trace.c':   # it only tells
            continue
        with open(path, encoding='utf-8') as file:
            sources.append(Source(os.path.basename(path), file.read()))
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


def read_arguments():
    parser = argparse.ArgumentParser(prog='ci/damage', description=__doc__)
    parser.add_argument('seeds', nargs='?', type=read_range, default=range(1, 61),
                        help='FIRST..LAST, or one (1..60)')
    parser.add_argument('--list', action='store_true',
                        help='print the first candidate of each seed, and build nothing')
    parser.add_argument('--core', default=os.path.join(ROOT, 'core'), help='folder of sources')
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'), help='build tree')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='variants at a time')
    parser.add_argument('--runs', type=int, default=0,
                        help='at most so many executions of a scenario, for a first look')
    parser.add_argument('--keep', metavar='DIR', help='keep sources, images and reports there')
    return parser.parse_args()


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
    """Finds, builds and judges the variants."""

    def __init__(self, arguments, catalogue):
        self.catalogue = catalogue
        # The core as it ships, and the one that tells of every access.
        self.images = {name: Image(arguments.build, name) for name in ('undamaged', 'races')}
        self.keep = arguments.keep
        paths = glob.glob(os.path.join(ROOT, 'scenarios', '*.scn')) + \
            glob.glob(os.path.join(ROOT, 'scenarios', 'pinned', '*.scn'))
        self.judge = Judge(arguments.build, sorted(paths), arguments.runs)

    def first_that_changes(self, seed, folder):
        """The first candidate that compiles to other code than the core's."""
        for damage in self.catalogue.draw(seed):
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
        return None

    def variant(self, seed):
        if self.keep:
            folder = os.path.join(os.path.abspath(self.keep), str(seed))
            os.makedirs(folder, exist_ok=True)
        else:
            folder = tempfile.mkdtemp()
        try:
            damage, path = self.first_that_changes(seed, folder)
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


def main():
    arguments = read_arguments()
    catalogue = Catalogue(read_sources(arguments.core))
    if arguments.list:
        for seed in arguments.seeds:
            print(f'{seed:5} {describe(next(catalogue.draw(seed)))}')
        return 0
    work = Work(arguments, catalogue)
    known = read_equal()
    count = caught = equal = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for seed, damage, verdict, refused in pool.map(work.variant, arguments.seeds):
            is_equal = place_and_change(describe(damage)) in known
            count += 1
            if tell(seed, damage, verdict, refused, is_equal):
                caught += 1
            elif is_equal:
                equal += 1
    print(f'\n{caught} of {count} caught ({100 * caught // count} %), '
          f'{equal} change nothing, {count - caught - equal} survive')
    return 0 if count == caught + equal else 1


if __name__ == '__main__':
    sys.exit(main())
