"""C source as lines that belong together, and the functions that they are in.

It relies on the style of this project: a function's braces stand in the first column, and a
statement begins on a line of its own.
"""

import re


def mask(text):
    """The text with every comment, string and character blanked out, of the same length."""
    pattern = r'^#(?:\\\n|[^\n])*|/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def blank(match):
        return re.sub(r'[^\n]', ' ', match.group())

    return re.sub(pattern, blank, text, flags=re.S | re.M)


class Statement:
    """One statement without its semicolon's line end, or the head of a compound one."""

    def __init__(self, start, end, text, line, function):
        self.start, self.end = start, end   # offsets in the file; leading space is not in it
        self.text = text                    # masked
        self.line = line
        self.function = function
        self.after_head = False             # the whole body of an if, else or loop

    def is_simple(self):
        return self.text.endswith(';') and not re.match(r'(if|for|while|else|do)\b', self.text)

    def is_head(self):
        return re.match(r'(\} )?(else if|else|if|for|while|do|switch)\b', self.text) is not None

    def is_jump(self):
        return re.match(r'(return|break|continue|goto)\b', self.text) is not None

    def is_declaration(self):
        return re.match(r'(static |const |struct |enum |unsigned |\w+ \**\w+(\[.*\])?( =|;|,|$))',
                        self.text) is not None and not self.is_jump()


def is_complete(text):
    """Has this statement, read line by line, ended with this line?"""
    if text.count('(') != text.count(')'):
        return False
    head = re.match(r'(\} )?(else if|if|for|while|switch) \(|(\} )?else\b|do\b', text) is not None
    if text.endswith('{'):
        return head or text == '{' or re.match(r'(case|default)\b', text) is not None
    if text.endswith(';'):
        return text.count('{') == text.count('}') or head
    return text == '}' or head or re.match(r'(case .*|default|\w+):$', text) is not None


def read_function(masked, start, first_line, name):
    """The statements between two braces of the first column; start is behind the first."""
    statements, offset, line = [], start, first_line
    pending = None
    for raw in masked[start:masked.index('\n}', start - 1)].splitlines(keepends=True):
        text = raw.strip()
        if pending is None and text:
            pending = [offset + raw.index(text[0]), line]
        if text:
            end = offset + len(raw.rstrip())
            joined = masked[pending[0]:end]
            if is_complete(joined):
                statement = Statement(pending[0], end, joined, pending[1], name)
                before = statements[-1].text if statements else ''
                statement.after_head = bool(statements) and statements[-1].is_head() and \
                    not before.endswith(('{', ';'))
                statements.append(statement)
                pending = None
        offset += len(raw)
        line += 1
    return statements


class Source:
    """A file: its text, and the statements of each of its functions."""

    def __init__(self, name, text):
        self.name, self.text = name, text
        self.masked = mask(text)
        self.functions = []
        for match in re.finditer(r'^\{\n', self.masked, flags=re.M):
            head = self.masked[:match.start()]
            called = re.findall(r'\b(\w+)\(', head[head.rfind('\n\n') + 1:])
            if called:
                line = self.masked.count('\n', 0, match.end()) + 1
                self.functions.append(read_function(self.masked, match.end(), line, called[0]))
