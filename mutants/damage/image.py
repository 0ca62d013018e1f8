"""Builds cores with one damaged file, by the commands that built the undamaged images."""

import os
import re
import shlex
import subprocess


def run(words, folder):
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


class Image:
    """An image of build/cores: the commands of ninja, to be repeated with other files."""

    def __init__(self, build, name):
        self.build, self.name = build, name
        path = f'cores/{name}.so'
        listed = run(['ninja', '-t', 'commands', path], build)
        if listed.returncode != 0:
            raise SystemExit(f'damage: {build} is not built: {listed.stderr.strip()}')
        self.compile, self.bind, self.link = {}, None, None
        for line in listed.stdout.splitlines():
            source = re.search(r' -c (\S*/core/(\w+\.c))$', line)
            if source:
                self.compile[source.group(2)] = line
            elif f'/{name}.image.o' in line and '/make-image ' in line:
                self.bind = line
            elif f'-o {path} ' in line:
                self.link = line

    def compile_file(self, source, target, debug):
        """True if it compiles. Debug information is for stacks; without it, code is compared."""
        folder, name = os.path.split(source)
        words = [word for word in shlex.split(self.compile[name])
                 if not word.startswith('-W') and (debug or not re.match(r'-g', word))]
        words.remove('-MD')
        for flag in ('-MT', '-MF', '-o', '-c'):
            at = words.index(flag)
            del words[at:at + 2]
        words += ['-w', f'-ffile-prefix-map={folder}=core', '-o', target, '-c', source]
        return run(words, self.build).returncode == 0

    def code_of(self, source):
        """The object file without debug information, or None if it does not compile."""
        target = os.path.join(os.path.dirname(source), 'code.o')
        if not self.compile_file(source, target, False):
            return None
        with open(target, 'rb') as file:
            return file.read()

    def make(self, source):
        """The path of the image with this source instead of its own, or None."""
        folder, name = os.path.split(source)
        damaged, bound, image = (os.path.join(folder, f'{self.name}.{end}')
                                 for end in ('damaged.o', 'bound.o', 'so'))
        if not self.compile_file(source, damaged, True):
            return None
        own = re.search(r' -o (\S+)', self.compile[name]).group(1)
        own = os.path.basename(os.path.dirname(own))
        bind = re.sub(r'\S*/' + re.escape(own) + r'/\S*\b' + re.escape(name) + r'\.o', damaged,
                      self.bind)
        bind = re.sub(r'--out \S+', f'--out {bound}', bind)
        link = re.sub(r'-o \S+', f'-o {image}', self.link)
        link = re.sub(r'\S+' + re.escape(self.name) + r'\.image\.o', bound, link)
        for command in (bind, link):
            if run(['sh', '-c', command], self.build).returncode != 0:
                return None
        return image
