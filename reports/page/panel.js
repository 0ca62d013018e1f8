/* The page around the diagram, the details of a row, and what keys and buttons do. */
function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    node.append(...children.filter(child => child !== null));
    return node;
}

function copyText(text, button) {
    const done = () => {
        button.textContent = 'Copied';
        setTimeout(() => { button.textContent = 'Copy'; }, 1500);
    };
    /* Where the clipboard is closed to pages of files, the old way works. */
    const old = () => {
        const area = el('textarea', {}, text);
        document.body.append(area);
        area.select();
        document.execCommand('copy');
        area.remove();
        done();
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, old);
    else old();
}

function copyButton(text) {
    const button = el('button', {type: 'button', class: 'copy'}, 'Copy');
    button.addEventListener('click', () => copyText(text, button));
    return button;
}

function stackItem(line) {
    const [place, code] = line.split('\t');
    return el('li', {}, place, code ? el('code', {class: 'code'}, code) : null);
}

function stackList(lines, most) {
    const list = el('ol', {class: 'stack'}, ...lines.slice(0, most).map(stackItem));
    if (lines.length <= most) return list;
    const more = el('ol', {class: 'stack', start: most + 1}, ...lines.slice(most).map(stackItem));
    return el('div', {}, list,
        el('details', {}, el('summary', {}, `${lines.length - most} more`), more));
}

/* --- the decisive pair --- */

function pairCard(step, number, title) {
    return el('div', {class: 'card'},
        el('h3', {}, el('span', {class: 'badge'}, number), title,
            el('span', {class: 'who'}, step.thread)),
        el('p', {}, step.what), stackList(stackLines(step.stack), 4));
}

function pairSection() {
    if (report.pair.length < 2) return null;
    return el('section', {class: 'pair'}, el('h2', {}, 'The order of two steps decides'),
        el('p', {class: 'hint'}, 'The other way round nothing is broken.'),
        el('div', {class: 'cards'}, pairCard(report.pair[0], '1', 'First'),
            pairCard(report.pair[1], '2', 'Then')));
}

/* --- the head --- */

function head() {
    const good = report.verdict === 'PASS' || report.verdict === 'KNOWN BUG';
    return el('header', {},
        el('h1', {}, el('span', {class: 'verdict' + (good ? ' known' : '')}, report.verdict),
            ' ' + report.name, report.promise ? el('code', {}, report.promise) : null),
        report.title ? el('p', {class: 'title'}, report.title) : null,
        el('p', {class: 'sentence'}, report.text || ''),
        el('dl', {},
            el('dt', {}, 'Promise'), el('dd', {}, report.promise + (report.place ? ' — ' +
                report.place : '')),
            el('dt', {}, 'Found'), el('dd', {}, report.origin || ''),
            ...(report.sealed ? [el('dt', {}, 'Point of no return'),
                el('dd', {}, report.sealed)] : [])));
}

/* --- the details of a row --- */

function recordTable(row) {
    const found = [];
    for (let n = row.record; n <= row.record_last; n++) if (records.has(n)) found.push(records.get(n));
    return found.map(record => el('div', {class: 'record'},
        el('h3', {}, record.kind, el('span', {class: 'who'}, record.subject || record.from || '')),
        el('table', {}, ...Object.entries(record.values)
            .filter(([, value]) => value !== '').map(([name, value]) =>
                el('tr', {}, el('th', {}, name), el('td', {}, String(value))))),
        el('p', {class: 'hint'}, `record ${record.n}, seen by ${record.witness}` +
            (record.cause ? `, caused by record ${record.cause}` : ''))));
}

/* What every thread had done last at that moment, and does next. */
function threadTable(row) {
    const last = new Map(), next = new Map();
    steps.forEach((step, i) => {
        if (step[ENTITY] < 0 || report.entities[step[ENTITY]][1]) return;
        if (i + firstStep <= row.key) last.set(step[ENTITY], step);
        else if (!next.has(step[ENTITY])) next.set(step[ENTITY], step);
    });
    const lines = [...last].sort((a, b) => a[0] - b[0]).map(([entity, step]) => {
        const stack = stackLines(step[STACK]), after = next.get(entity);
        return el('tr', {class: entity === row.entity ? 'own' : ''},
            el('th', {}, report.entities[entity][0]),
            el('td', {}, step[TEXT], stack[0] ?
                el('span', {class: 'place'}, stack[0].split('\t')[0]) : null),
            el('td', {}, after ? after[TEXT] : '—'));
    });
    return el('table', {class: 'threads'},
        el('tr', {}, el('th', {}, 'thread'), el('th', {}, 'did last'), el('th', {}, 'does next')),
        ...lines);
}

function details(row) {
    const step = row.index >= 0 ? stepAt(row.index) : null;
    const stack = row.stack ? stackLines(row.stack) : step ? stackLines(step[STACK]) : [];
    const entity = report.entities[row.entity];
    const notes = [row.guilty ? 'This shows what is broken.' : '',
        row.race ? 'Nothing orders this access and the other one that is marked with !.' : '',
        row.sealed ? 'The point of no return: ' + report.sealed + '.' : '',
        row.first || row.then ? 'One of the two steps whose order decides.' : '',
        row.deviates ? 'Here the execution left the default order.' : ''].filter(Boolean);
    return [el('h2', {}, labelOf(row) || 'row'),
        el('p', {class: 'hint'}, `${formatTime(row.time)}, step ${row.step}` +
            (entity ? ', ' + entity[0] : '')),
        ...notes.map(note => el('p', {class: 'note'}, note)),
        ...recordTable(row),
        ...(stack.length ? [el('h3', {}, row.machine || row.race ? 'Stack' :
            'Stack of its last step: ' + step[TEXT]), stackList(stack, 8)] : []),
        el('h3', {}, 'Threads at this moment'), threadTable(row)];
}

/* --- keys and buttons --- */

let frame, panel;

function choose(item) {
    if (item.gap) {
        item.gap.forEach(row => view.opened.add(row.number));
        drawDiagram(frame);
        item = view.items.find(one => one.row === item.gap[0]);
    }
    view.selected = item.row;
    frame.setAttribute('aria-activedescendant', item.group.id);
    panel.replaceChildren(...details(item.row));
    panel.hidden = false;
    drawCauses();
}

function move(by) {
    const at = view.items.findIndex(item => item.row && item.row === view.selected);
    const item = view.items[Math.min(Math.max(at + by, 0), view.items.length - 1)];
    if (!item) return;
    choose(item);
    view.items.find(one => one.row === view.selected).group.scrollIntoView({block: 'nearest'});
}

function onKey(event) {
    const ways = {ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -1e9, End: 1e9};
    if (!(event.key in ways) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    move(ways[event.key]);
}

function toggle(text, name, changed) {
    const button = el('button', {type: 'button', 'aria-pressed': 'false'}, text);
    button.addEventListener('click', () => {
        view[name] = !view[name];
        button.setAttribute('aria-pressed', String(view[name]));
        changed();
    });
    return button;
}

function diagramSection() {
    frame = el('div', {class: 'frame', tabindex: '0', role: 'listbox',
        'aria-label': 'what happened, row by row'});
    panel = el('aside', {class: 'panel', 'aria-live': 'polite'});
    panel.hidden = true;
    frame.addEventListener('keydown', onKey);
    const hidden = rows.filter(row => !row.shown).length;
    return el('section', {class: 'diagram'}, el('h2', {}, 'What happened'),
        el('div', {class: 'tools'},
            hidden ? toggle(`Show all ${rows.length} rows`, 'all', () => drawDiagram(frame)) : null,
            toggle('Happens-before arrows', 'arrows', drawCauses),
            el('span', {class: 'hint'}, 'click a row, or use the arrow keys')),
        el('div', {class: 'split'}, frame, panel));
}

/* Without the indentation that all lines share. */
function dedent(text) {
    const lines = text.replace(/\s+$/, '').split('\n');
    const margin = Math.min(...lines.filter(line => line.trim())
        .map(line => line.length - line.trimStart().length));
    return lines.map(line => line.slice(margin)).join('\n');
}

function blockSection(block) {
    const long = block.text.split('\n').length > 30;
    const text = el('pre', {}, block.title === 'What was found' ? dedent(block.text) : block.text);
    return el('section', {class: 'block'},
        el('h2', {}, block.title, copyButton(block.text)),
        long ? el('details', {}, el('summary', {}, 'show'), text) : text);
}

function build() {
    document.title = `${report.verdict} ${report.name}: ${report.promise || ''}`;
    const found = report.blocks.filter(block => block.title === 'What was found');
    const rest = report.blocks.filter(block => block.title !== 'What was found');
    document.getElementById('page').append(head(), ...found.map(blockSection),
        ...[pairSection(), rows.length ? diagramSection() : null].filter(Boolean),
        ...rest.map(blockSection));
    if (!rows.length) return;
    const guilty = rows.find(row => row.guilty) || rows[rows.length - 1];
    drawDiagram(frame);
    choose(view.items.find(item => item.row === guilty) || view.items[0]);
    addEventListener('resize', () => drawDiagram(frame));
}

build();
document.documentElement.setAttribute('data-drawn', String(view.items.length));
