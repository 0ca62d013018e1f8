/* The diagram: a lane for everybody who takes part, a row for everything that happened. */
const GUTTER = 78, ROW = 24, HEAD = 34, LAST_ROOM = 170, LANE_MIN = 88, LANE_MAX = 230;
const SVG = 'http://www.w3.org/2000/svg';
const view = {all: false, arrows: false, opened: new Set(), selected: null, items: []};
const pen = document.createElement('canvas').getContext('2d');
pen.font = '12px system-ui, sans-serif';

function svg(tag, attributes, parent, text) {
    const node = document.createElementNS(SVG, tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
}

function textWidth(text) {
    return pen.measureText(text).width;
}

function cutText(text, room) {
    if (textWidth(text) <= room) return text;
    let length = text.length;
    while (length > 1 && textWidth(text.slice(0, length) + '…') > room) length--;
    return text.slice(0, length) + '…';
}

/* Rows that are shown, and gaps that stand for the others. */
function makeItems() {
    const items = [];
    for (const row of rows) {
        if (view.all || row.shown || view.opened.has(row.number)) {
            items.push({row});
        } else if (items.length > 0 && items[items.length - 1].gap) {
            items[items.length - 1].gap.push(row);
        } else {
            items.push({gap: [row]});
        }
    }
    return items;
}

function laneX(lane, plan) {
    return lane < 0 ? GUTTER + 8 : GUTTER + 24 + lane * plan.spacing;
}

function makePlan(width) {
    const gaps = Math.max(report.lanes.length - 1, 1);
    const spacing = Math.min(Math.max((width - GUTTER - 24 - LAST_ROOM) / gaps, LANE_MIN), LANE_MAX);
    return {spacing, width: Math.max(width, GUTTER + 24 + gaps * spacing + LAST_ROOM)};
}

function drawHead(plan) {
    const head = svg('svg', {width: plan.width, height: HEAD, class: 'head', 'aria-hidden': true});
    svg('text', {x: GUTTER - 14, y: 21, class: 'time'}, head, 'time');
    report.lanes.forEach((name, lane) => {
        const x = laneX(lane, plan), room = plan.spacing - 14;
        const label = cutText(name, lane + 1 === report.lanes.length ? LAST_ROOM : room);
        const width = textWidth(label) * 1.08 + 14;
        svg('rect', {x: x - 9, y: 6, width, height: 22, rx: 4, class: 'name'}, head);
        svg('title', {}, svg('text', {x: x - 2, y: 21, class: 'name'}, head, label), name);
    });
    return head;
}

/* Beside a lifeline: to the right, or to the left where the right is too narrow. */
function drawBeside(group, x, y, text, plan, kind) {
    const apart = /first|then/.test(kind) ? 14 : 9;
    const right = plan.width - x - 18, left = x - GUTTER - 18, width = textWidth(text);
    if (width <= right || left <= right) {
        svg('text', {x: x + apart, y: y + 4, class: 'label ' + kind}, group, cutText(text, right));
        return;
    }
    /* An arrow that ends there would shine through the words. */
    const shown = cutText(text, left), wide = textWidth(shown) * (/guilty|race/.test(kind) ? 1.1 : 1);
    svg('rect', {x: x - 16 - wide, y: y - 8, width: wide + 2, height: 16, class: 'under ' + kind},
        group);
    svg('text', {x: x - 15, y: y + 4, class: 'label ' + kind, 'text-anchor': 'end'}, group, shown);
}

function drawArrow(group, row, y, plan, kind) {
    const from = laneX(row.at, plan), to = laneX(row.to, plan), way = to > from ? 1 : -1;
    const room = textWidth(row.label) * (row.guilty ? 1.1 : 1), middle = (from + to) / 2 - 4 * way;
    const fits = row.label !== '' && room + 34 <= Math.abs(to - from);
    const line = (x1, x2) => svg('line', {x1, y1: y, x2, y2: y, class: 'arrow ' + kind}, group);
    if (fits) {
        line(from + 3 * way, middle - way * (room / 2 + 5));
        line(middle + way * (room / 2 + 5), to - 4 * way);
        svg('text', {x: middle, y: y + 4, class: 'label ' + kind, 'text-anchor': 'middle'}, group,
            row.label);
    } else {
        line(from + 3 * way, to - 4 * way);
    }
    svg('path', {d: `M${to - 2 * way} ${y} l${-8 * way} -4 v8 z`, class: 'tip ' + kind}, group);
    const rest = [fits ? '' : row.label, row.effect].filter(Boolean).join(': ');
    if (rest) drawBeside(group, Math.max(from, to), y, (row.fault ? '! ' : '') + rest, plan, kind);
}

function kindOf(row) {
    const names = ['guilty', 'race', 'fault', 'first', 'then', 'sealed', 'deviates'];
    const among = report.rows[0] && report.rows[0].index === undefined; /* records */
    return names.filter(name => row[name]).join(' ') + (row.machine && among ? ' machine' : '');
}

function drawMarks(group, row, y, plan) {
    const x = laneX(row.at, plan);
    if (row.sealed) {
        svg('line', {x1: 0, y1: y + ROW / 2, x2: plan.width, y2: y + ROW / 2, class: 'seal'}, group);
    }
    if (!row.first && !row.then) return;
    svg('circle', {cx: x, cy: y, r: 8, class: 'pair'}, group);
    svg('text', {x, y: y + 4, class: 'pair', 'text-anchor': 'middle'}, group, row.first ? '1' : '2');
}

function labelOf(row) {
    if (row.machine || row.to < 0) {
        const place = row.machine ? placeOf(stepAt(row.index)[STACK]) : placeOf(row.stack);
        return (row.fault || row.race ? '! ' : '') + row.label + (row.leaves ? ' ⇝' : '') +
            (place ? ' · ' + place : '') +
            (row.sealed ? ' — point of no return' : '') +
            (row.at < 0 && row.entity >= 0 ? ', ' + report.entities[row.entity][0] : '');
    }
    return [row.label, row.effect].filter(Boolean).join(': ');
}

function drawRow(group, item, y, plan, previous) {
    const row = item.row, kind = kindOf(row);
    svg('title', {}, group, labelOf(row));
    svg('rect', {x: 0, y: y - ROW / 2, width: plan.width, height: ROW, class: 'band ' + kind}, group);
    const time = formatTime(row.time);
    if (!previous || !previous.row || formatTime(previous.row.time) !== time) {
        svg('text', {x: GUTTER - 14, y: y + 4, class: 'time'}, group, time);
    }
    if (row.deviates) svg('circle', {cx: GUTTER - 5, cy: y, r: 3, class: 'deviates'}, group);
    if (row.to >= 0) {
        drawArrow(group, row, y, plan, kind);
    } else {
        const x = laneX(row.at, plan);
        if (row.at >= 0) svg('circle', {cx: x, cy: y, r: 3, class: 'dot ' + kind}, group);
        drawBeside(group, x, y, labelOf(row), plan, kind);
    }
    drawMarks(group, row, y, plan);
}

function drawGap(group, item, y, plan) {
    svg('rect', {x: 0, y: y - ROW / 2, width: plan.width, height: ROW, class: 'band gap'}, group);
    svg('text', {x: GUTTER + 15, y: y + 4, class: 'label gap'}, group, `⋯ ${item.gap.length} more`);
}

/* --- happens-before arrows --- */

function drawCause(layer, from, to, plan, kind) {
    const x1 = laneX(from.row.at, plan), x2 = laneX(to.row.at, plan), bend = x1 === x2 ? 40 : 0;
    const middle = (from.y + to.y) / 2;
    svg('path', {class: 'cause ' + kind, 'marker-end': 'url(#cause-end)',
        d: `M${x1} ${from.y} C${x1 + bend} ${middle} ${x2 + bend} ${middle} ${x2} ${to.y - 4}`},
        layer);
}

/* All of them, or those that lead to the selected row and away from it. */
function drawCauses() {
    const layer = view.layer, shown = view.items.filter(item => item.row);
    layer.replaceChildren();
    const among = shown.map(item => item.row), place = new Map(shown.map(i => [i.row, i]));
    for (const item of shown) {
        if (!view.arrows && !view.selected) break;
        for (const cause of directCauses(item.row, among)) {
            const near = item.row === view.selected || cause === view.selected;
            if (!view.arrows && !near) continue;
            drawCause(layer, place.get(cause), item, view.plan, near ? 'near' : '');
        }
    }
    for (const item of shown) {
        const row = item.row, chosen = view.selected;
        const apart = chosen && row !== chosen && !precedes(row, chosen) && !precedes(chosen, row);
        item.group.classList.toggle('apart', Boolean(view.arrows && apart));
        item.group.classList.toggle('selected', row === chosen);
    }
}

function drawLifelines(body, plan, height) {
    report.lanes.forEach((name, lane) => {
        const x = laneX(lane, plan);
        svg('line', {x1: x, y1: 0, x2: x, y2: height, class: 'life'}, body);
    });
}

function drawDiagram(frame) {
    const plan = makePlan(frame.clientWidth - 2), items = makeItems();
    const height = items.length * ROW + 12;
    const body = svg('svg', {width: plan.width, height, class: 'body'});
    const end = svg('marker', {id: 'cause-end', viewBox: '0 0 8 8', refX: 7, refY: 4, orient: 'auto',
        markerWidth: 7, markerHeight: 7}, svg('defs', {}, body));
    svg('path', {d: 'M0 0 L8 4 L0 8 z'}, end);
    const bands = svg('g', {}, body);
    drawLifelines(body, plan, height);
    items.forEach((item, i) => {
        item.y = i * ROW + ROW / 2 + 4;
        item.group = svg('g', {class: 'row', role: 'option', id: 'row-' + i}, body);
        if (item.row) drawRow(item.group, item, item.y, plan, items[i - 1]);
        else drawGap(item.group, item, item.y, plan);
        bands.append(item.group.querySelector('.band').cloneNode());
        item.group.addEventListener('click', () => choose(item));
    });
    view.layer = svg('g', {class: 'causes'}, body);
    view.items = items;
    view.plan = plan;
    const head = drawHead(plan);
    head.setAttribute('viewBox', `0 0 ${plan.width} ${HEAD}`);
    body.setAttribute('viewBox', `0 0 ${plan.width} ${height}`);
    frame.replaceChildren(head, body);
    drawCauses();
}
