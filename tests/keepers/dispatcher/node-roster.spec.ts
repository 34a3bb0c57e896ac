import type { ConnectedNode } from '../../../keepers/dispatch';
import { type LoadRow, NodeRoster } from '../../../keepers/dispatcher/node-roster';

function nodeOf(id: string) {
    const node = { id, row: [0, 0, 4, null, 0] as LoadRow, loadRow: () => node.row };
    return node as unknown as ConnectedNode & { row: LoadRow };
}

function rosterOf(...ids: string[]) {
    const roster = new NodeRoster();
    const nodes = ids.map(nodeOf);
    for (const node of nodes) roster.set(node);
    return { roster, nodes };
}

const idsOf = (nodes: readonly ConnectedNode[]) => nodes.map(({ id }) => id);

test('who read before gets what is new, what changed and what has gone, and no more', () => {
    const { roster, nodes } = rosterOf('a', 'b', 'c');
    const { version } = roster.changes();
    expect(roster.changes(version)).toEqual({ version, since: version, nodes: [], gone: [] });
    roster.touch(nodes[0]!);
    roster.delete(nodes[1]!);
    roster.set(nodeOf('d'));
    const changes = roster.changes(version);
    expect([idsOf(changes.nodes), changes.gone]).toEqual([['a', 'd'], ['b']]);
    expect(roster.changes(changes.version)).toMatchObject({ nodes: [], gone: [] });
});

test('a node that went and came again is not gone', () => {
    const { roster, nodes } = rosterOf('a');
    const { version } = roster.changes();
    roster.delete(nodes[0]!);
    roster.set(nodes[0]!);
    const changes = roster.changes(version);
    expect([idsOf(changes.nodes), changes.gone]).toEqual([['a'], []]);
});

test.each(['', 'x', '-1', '000000000000-0', 'abc-def'])(
    'who names a version that is none of its own gets all: %j',
    (tag) => {
        const { roster } = rosterOf('a', 'b');
        const changes = roster.changes(tag);
        expect([changes.since, idsOf(changes.nodes)]).toEqual([undefined, ['a', 'b']]);
    },
);

test('versions of another start are unknown: everything is read anew', () => {
    const { version } = rosterOf('a').roster.changes();
    expect(rosterOf('a', 'b').roster.changes(version).since).toBeUndefined();
});

test('when more departures were than are remembered, everything is read anew', () => {
    const { roster } = rosterOf('a');
    const { version } = roster.changes();
    for (let index = 0; index < 20_001; index++) {
        const passing = nodeOf(`passing ${index}`);
        roster.set(passing);
        roster.delete(passing);
    }
    expect(roster.changes(version).since).toBeUndefined();
    expect(roster.changes(roster.tag).since).toBe(roster.tag);
});

test('the load feed carries the loads that changed', () => {
    const { roster, nodes } = rosterOf('a', 'b');
    const first = roster.load();
    expect(first.load).toEqual({ a: [0, 0, 4, null, 0], b: [0, 0, 4, null, 0] });
    nodes[1]!.row = [2, 1, 4, 80, 0.5];
    const second = roster.load(first.version);
    expect(second).toMatchObject({ since: first.version, load: { b: [2, 1, 4, 80, 0.5] } });
    expect(Object.keys(second.load)).toEqual(['b']);
    expect(roster.load(second.version).load).toEqual({});
    // Another gateway asked in between; who has the first version still hears of it.
    expect(roster.load(first.version).load).toEqual({ b: [2, 1, 4, 80, 0.5] });
});
