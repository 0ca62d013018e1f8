'use strict';
/* What happened, made ready to be drawn: rows in their order, and which of them happened before
 * which others. Texts come from the program under test; they are only ever set as text. */
const report = JSON.parse(document.getElementById('data').textContent);

/* A step is [entity, text, object, access, stack, time]; access 1 reads, 2 writes. */
const ENTITY = 0, TEXT = 1, OBJECT = 2, ACCESS = 3, STACK = 4, TIME = 5;
const records = new Map(report.records.map(record => [record.n, record]));
const steps = report.steps;
const firstStep = report.first_step;

function stepAt(index) {
    return steps[index - firstStep];
}

/* The functions of a stack, innermost first: "file:line (function)", a tab, the code. */
function stackLines(number) {
    if (!number) return [];
    return report.stacks[number - 1]
        .flatMap(frame => report.frames[frame].split('\n')).filter(line => line !== '');
}

/* "file:line" of a stack's innermost function, or ''. */
function placeOf(number) {
    const line = stackLines(number)[0] || '';
    return line.includes(' (no debug info)') ? '' : line.split(' (')[0];
}

function formatTime(ns) {
    const ms = ns / 1e6;
    return (Number.isInteger(ms) ? ms : ms.toFixed(3).replace(/0+$/, '')) + 'ms';
}

/* A thread is its own lane; or that of the core it belongs to, or of the agent that it runs. */
function laneOf(entity) {
    const name = entity >= 0 ? report.entities[entity][0] : '';
    return [name, ...name.split('/')].map(part => report.lanes.indexOf(part))
        .find(lane => lane >= 0) ?? -1;
}

/* The last step before the row's moment that its thread made; -1: none. */
function ownStep(entity, before) {
    for (let i = Math.min(before, firstStep + steps.length) - 1; i >= firstStep; i--) {
        if (stepAt(i)[ENTITY] === entity) return i;
    }
    return -1;
}

/* `key` orders rows and steps: what was recorded after n steps lies between step n-1 and step n.
 * An access of a data race is no step, and stands in the lane of its thread. */
function rowOfRecords(row) {
    row.key = row.step - 0.5;
    row.index = ownStep(row.entity, row.step);
    return row.race ? Object.assign({at: laneOf(row.entity), to: -1, effect: ''}, row) : row;
}

function rowOfStep(row) {
    const step = stepAt(row.index);
    return Object.assign({
        key: row.index, step: row.index + 1, time: step ? step[TIME] : 0, to: -1, effect: '',
        at: step ? laneOf(step[ENTITY]) : -1, entity: step ? step[ENTITY] : -1,
        label: step ? step[TEXT] : '', shown: true, machine: true,
    }, row);
}

function makeRows() {
    const rows = report.rows.filter(row => row.index === undefined || stepAt(row.index))
        .map(row => row.index === undefined ? rowOfRecords(row) : rowOfStep(row));
    for (const mark of report.marks) {
        if (!stepAt(mark.index)) continue;
        let row = rows.find(other => other.machine && other.index === mark.index);
        if (!row) rows.push(row = rowOfStep({index: mark.index}));
        row[mark.kind] = true;
        row.shown = true;
    }
    rows.forEach((row, number) => { row.number = number; });
    rows.sort((a, b) => a.key - b.key || a.number - b.number);
    rows.forEach((row, number) => { row.number = number; });
    return rows;
}

/* --- happens before: the order of dependent steps, by vector clocks --- */

function joinClock(into, from) {
    if (from) for (let i = 0; i < into.length; i++) if (from[i] > into[i]) into[i] = from[i];
}

/* The clock of each step that a row stands for. */
function makeClocks(wanted) {
    const count = report.entities.length, clocks = new Map();
    const own = Array.from({length: count}, () => new Uint32Array(count));
    const written = new Map(), read = new Map();
    steps.forEach((step, i) => {
        const entity = step[ENTITY], object = step[OBJECT];
        if (entity < 0) return;
        const clock = own[entity];
        if (object && step[ACCESS]) joinClock(clock, written.get(object));
        if (object && step[ACCESS] === 2) joinClock(clock, read.get(object));
        clock[entity]++;
        if (object && step[ACCESS] === 2) {
            written.set(object, clock.slice());
            read.delete(object);
        } else if (object && step[ACCESS] === 1) {
            if (!read.has(object)) read.set(object, new Uint32Array(count));
            joinClock(read.get(object), clock);
        }
        if (wanted.has(i + firstStep)) clocks.set(i + firstStep, clock.slice());
    });
    return clocks;
}

const rows = makeRows();
const clocks = makeClocks(new Set(rows.map(row => row.index)));

/* Whether row a happened before row b, by the dependences of what the machine did. An access comes
 * behind the step of its thread, so others know of it only by a later one. */
function precedes(a, b) {
    if (a.key > b.key || (a.key === b.key && a.number >= b.number)) return false;
    if (a.entity === b.entity) return true;
    const from = clocks.get(a.index), to = clocks.get(b.index);
    return Boolean(from && to) && to[a.entity] >= from[a.entity] + (a.race ? 1 : 0);
}

/* Rows of other threads that come directly before this one: of each thread the last, unless it is
 * in the past of another of them or of what the row's own thread did before. */
function directCauses(row, among) {
    const last = new Map();
    for (const other of among) {
        if (other.number >= row.number) break;
        if (precedes(other, row)) last.set(other.entity, other);
    }
    const found = [...last.values()];
    return found.filter(other => other.entity !== row.entity &&
        !found.some(between => between !== other && precedes(other, between)));
}
