import { FewAtOnce } from '../../../keepers/dispatch/few-at-once';

function controlled(places: number) {
    const few = new FewAtOnce(places);
    const begun: string[] = [];
    const ends = new Map<string, { end: () => void; fail: (error: Error) => void }>();
    const run = (name: string) =>
        few.run(() => {
            begun.push(name);
            return new Promise<string>((resolve, reject) => ends.set(name, { end: () => resolve(name), fail: reject }));
        });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    return { few, begun, run, turn, end: (name: string) => ends.get(name)!.end(), ends };
}

test('as many run as there are places, the others in their order', async () => {
    const { few, begun, run, turn, end } = controlled(2);
    const all = ['1', '2', '3', '4'].map(run);
    expect([begun, few.waiting]).toEqual([['1', '2'], 2]);
    end('2');
    await turn();
    expect([begun, few.waiting]).toEqual([['1', '2', '3'], 1]);
    end('1');
    await turn();
    for (const name of ['3', '4']) end(name);
    expect(await Promise.all(all)).toEqual(['1', '2', '3', '4']);
});

test('a task that fails frees its place, and a free place is there for whoever comes next', async () => {
    const { begun, run, turn, ends, end } = controlled(1);
    const [first, second] = [run('1'), run('2')];
    ends.get('1')!.fail(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    await turn();
    end('2');
    await second;
    void run('3');
    expect(begun).toEqual(['1', '2', '3']);
});
