"""Where a core can be damaged, and how: a list of places for each kind of damage.

What only tells (trace points), what only guards (REQUIRE) and turns, without which nothing runs at
all, are left alone: their damage would say nothing about the scenarios.
"""

import re

NEUTRAL = re.compile(r'(REQUIRE|UNREACHABLE|trace_owe|trace_point|turn_begin|turn_end|turn_lock|'
                     r'turn_unlock|turn_flush)\(')
IDENTITY = re.compile(r'\b(\w*generation|gen|epoch|\w*token|tenure|version|\w*number|attempt|owner|'
                      r'\w*_ref|previous|moved|ended|instance|grant\w*|phase)\b')
ASSIGNMENT = re.compile(r'\*?[\w>.\[\]()*-]+ (=|\+=|-=|\|=|&=) |[\w>.\[\]-]+(\+\+|--);$')
CONDITION = re.compile(r'(?:\} )?(?:else )?(?:if|while) \((.*)\)(?: \{|;)?$|return (.*);$',
                       flags=re.S)


class Damage:
    """Text [start, end) of a file is replaced; `what` says so in a few words."""

    def __init__(self, kind, source, statement, start, end, new):
        self.kind, self.source, self.statement = kind, source, statement
        self.start, self.end, self.new = start, end, new

    def line(self):
        return self.source.text.count('\n', 0, self.start) + 1

    def applied(self):
        text = self.source.text
        return text[:self.start] + self.new + text[self.end:]

    def what(self):
        text = self.source.text
        old = ' '.join(text[self.start:self.end].split())
        new = ' '.join(self.new.split())
        if new == ';':
            return f'without {old}'
        if len(old) > 3:
            return f'{old} -> {new}'
        # One operator or number says little without its line.
        first = text.rindex('\n', 0, self.start) + 1
        last = text.index('\n', self.end)
        return ' '.join((text[first:self.start] + new + text[self.end:last]).split())


def drop(kind, source, statement):
    return Damage(kind, source, statement, statement.start, statement.end, ';')


def split_terms(text):
    """The operands of && and || outside parentheses, as (start, end, operator before, after)."""
    cuts, depth = [], 0
    for match in re.finditer(r'[(\[]|[)\]]|&&|\|\|', text):
        if match.group() in '([':
            depth += 1
        elif match.group() in ')]':
            depth -= 1
        elif depth == 0:
            cuts.append(match)
    starts = [0] + [cut.end() for cut in cuts]
    ends = [cut.start() for cut in cuts] + [len(text)]
    words = [''] + [cut.group() for cut in cuts] + ['']
    return [(start, end, words[i], words[i + 1])
            for i, (start, end) in enumerate(zip(starts, ends))]


def conditions(source, statement):
    """(offset, masked text) of the condition of an if, a loop or a return."""
    match = CONDITION.match(statement.text)
    if match is None:
        return
    group = 1 if match.group(1) is not None else 2
    text = match.group(group)
    if group == 1 or re.search(r'[<>]| [!=]= |&&|\|\|', text):
        yield statement.start + match.start(group), text


def neutral(term, before, after):
    """What makes a term of a condition say nothing."""
    if '&&' in (before, after):
        return '1'
    if '||' in (before, after):
        return '0'
    return '1' if ' == ' in term else '0'


def find_wakes(source, statement):
    if re.match(r'pthread_cond_(signal|broadcast)\(', statement.text):
        yield drop('wake', source, statement)


def find_terms(source, statement, kind, wanted):
    for offset, text in conditions(source, statement):
        for start, end, before, after in split_terms(text):
            term = text[start:end]
            if wanted(term, before or after):
                start += len(term) - len(term.lstrip())
                end -= len(term) - len(term.rstrip())
                yield Damage(kind, source, statement, offset + start, offset + end,
                             neutral(term, before, after))


def find_checks(source, statement):
    """One check of a generation, an epoch, a token, an owner or a phase is not made."""
    yield from find_terms(source, statement, 'check',
                          lambda term, chained: IDENTITY.search(term) and ' ? ' not in term)


def find_comparisons(source, statement):
    """A bound moves by one, a term is dropped, 'and' becomes 'or'."""
    other = {'<': '<=', '<=': '<', '>': '>=', '>=': '>', '&&': '||', '||': '&&'}
    if re.match(r'REQUIRE\(', statement.text):
        return
    for match in re.finditer(r'(?<= )(<=|>=|<|>|&&|\|\|)(?=\s)', statement.text):
        at = statement.start + match.start()
        yield Damage('comparison', source, statement, at, at + len(match.group()),
                     other[match.group()])
    yield from find_terms(source, statement, 'comparison',
                          lambda term, chained: chained and re.search(r' [!=]= ', term))


def find_negations(source, statement):
    if re.match(r'return', statement.text):
        return
    for offset, text in conditions(source, statement):
        old = source.text[offset:offset + len(text)]
        yield Damage('negate', source, statement, offset, offset + len(text), f'!({old})')


def find_assignments(source, statement):
    if statement.is_simple() and ASSIGNMENT.match(statement.text) and \
            not statement.is_declaration() and '_arm(' not in statement.text:
        yield drop('assignment', source, statement)


def find_timers(source, statement):
    if statement.is_simple() and not statement.is_declaration() and \
            re.match(r'([\w>.-]+ = )?\w*(_arm|_rearm|_disarm|timer_cancel)\w*\(', statement.text):
        yield drop('timer', source, statement)


def find_calls(source, statement):
    if statement.is_simple() and re.match(r'\w+\(', statement.text) and \
            not NEUTRAL.match(statement.text) and \
            not re.match(r'pthread_cond_(signal|broadcast)', statement.text):
        yield drop('call', source, statement)


def find_off_by_one(source, statement):
    if re.match(r'(case|REQUIRE|trace_owe|trace_point)\b', statement.text):
        return
    if re.search(r'\b(calloc|malloc|realloc)\(', statement.text):   # more room than needed
        return
    for match in re.finditer(r' [+-] 1\b(?!\d)|(?<![\w.])\d+(?![\w.])', statement.text):
        at = statement.start + match.start()
        old = match.group()
        new = '' if old[0] == ' ' else str(int(old) + 1)
        if old[0] != ' ' and re.search(r' [+-] $', statement.text[:match.start()]) and old == '1':
            continue
        yield Damage('off by one', source, statement, at, at + len(old), new)


# The clock may be read, and memory had, a statement earlier or later; these see nothing but what they
# are given, and change nothing. Any other call may do or see something.
LOOKS = r'(?:sizeof|core_now_us|memory_owed|is_\w+|run_state_is_terminal|timeout_of|wire_message_word)'
CALL = r'\b(?!' + LOOKS + r'\b)\w+\('
DECLARED = r'(?:const |struct |enum |unsigned )*\w+ \**'


def assigned(statement):
    """What an assignment, a declaration or a copy without calls sets, and what it reads; or None."""
    text = statement.text
    match = re.match(r'(?:' + DECLARED + r')?(\**[\w>.\[\]-]+) (?:|\+|-|\||&)= (.*);$', text,
                     flags=re.S) or \
        re.match(r'mem(?:cpy|move|set)\(([^,()]+), (.*)\);$', text, flags=re.S) or \
        re.match(r'([\w>.-]+)(?:\+\+|--)();$', text)
    if match is None or re.search(CALL, match.group(2)):
        return None
    also = re.findall(r'(?:\+\+|--)([\w>.-]+)', match.group(2))
    return [match.group(1)] + also, ' '.join(match.groups())


def touches(target, text):
    """Can a text see what is set there: by its name, its parts, or all of what it is a part of?"""
    name = target.lstrip('*')
    root = re.match(r'\w+', name).group()
    return re.search(r'(?<![\w>.])' + re.escape(name) + r'(?!\w)', text) or \
        re.search(r'\*' + root + r'(?!\w)(?!->)', text) or \
        (name != root and re.search(r'[(,] *&?' + root + r' *[,)]', text))   # all of it is given


def is_apart(statement, other):
    """A new variable made of plain values, none of which the other statement so much as names."""
    match = re.match(DECLARED + r'\w+ = ([^;>*&\[(]*);$', statement.text, flags=re.S)
    words = set(re.findall(r'\w+', statement.text[:match.end()])) if match else set()
    return match is not None and not words & set(re.findall(r'(?<!\.)\b\w+', other.text))


def commute(first, second):
    """Two assignments or two additions to a message whose order nobody can tell."""
    if is_apart(first, second) or is_apart(second, first):
        return True
    one, other = assigned(first), assigned(second)
    if one and other:
        return not any(touches(target, other[1]) for target in one[0]) and \
            not any(touches(target, one[1]) for target in other[0])
    # Signals are sent under the lock: waiters see the same, whichever comes first.
    if re.match(r'pthread_cond_(signal|broadcast)\(', first.text):
        return not re.search(r'\b(turn_wait|turn_lock|waiter_\w+|pthread_cond_\w+)\(', second.text)
    if re.match(r'pthread_cond_(signal|broadcast)\(', second.text):
        return not re.search(r'\b(turn_\w+|waiter_\w+|pthread_cond_\w+|session_leave)\(', first.text)
    adding = r'(json_object_set_new|core_set_name|free|pthread_cond_destroy|core_lock_destroy)\('
    return re.match(adding, first.text) is not None and re.match(adding, second.text) is not None


def find_pairs(source, first, second):
    """Two neighbours change places; with a lock among them that is: earlier, or later."""
    if not (first.is_simple() and second.is_simple()) or first.after_head or first.is_jump() or \
            second.is_jump() or commute(first, second) or \
            any(re.match(r'(REQUIRE|trace)', one.text) for one in (first, second)):
        return
    between = source.text[first.end:second.start]
    if '{' in between or '}' in between:
        return
    kind = 'swap'
    if re.match(r'(turn_unlock|pthread_mutex_unlock|session_leave|conn_leave)\(', second.text) or \
            re.match(r'(turn_lock|pthread_mutex_lock)\(', first.text):
        kind = 'lock'
    text = source.text
    yield Damage(kind, source, first, first.start, second.end,
                 text[second.start:second.end] + between + text[first.start:first.end])


SINGLE = (find_wakes, find_checks, find_comparisons, find_negations, find_assignments, find_timers,
          find_calls, find_off_by_one)
KINDS = ('wake', 'swap', 'lock', 'check', 'comparison', 'negate', 'assignment', 'timer', 'call',
         'off by one')


def find_sites(source):
    """All damages of one file, in the order of its text."""
    sites = []
    for statements in source.functions:
        for i, statement in enumerate(statements):
            for find in SINGLE:
                sites.extend(find(source, statement))
            if i + 1 < len(statements):
                sites.extend(find_pairs(source, statement, statements[i + 1]))
    return sites
