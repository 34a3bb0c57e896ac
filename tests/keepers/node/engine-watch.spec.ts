import { createLogger, systemClock } from '../../../keepers/base';
import { EngineWatch } from '../../../keepers/node/engine-watch';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition: () => boolean): Promise<void> {
    for (let tries = 0; !condition(); tries++) {
        if (tries > 1_000) throw new Error('it never happened');
        await pause(2);
    }
}

function watched(health: () => Promise<{ ok: boolean; detail: string }>) {
    const lines: string[] = [];
    const logger = createLogger({ name: 'node', destination: { write: (line) => void lines.push(line) } });
    let asked = 0;
    const engine = { health: () => ((asked += 1), health()) };
    const watch = new EngineWatch({ engine, clock: systemClock, logger, intervalMs: 5 });
    watch.start();
    return { watch, lines, asked: () => asked };
}

test('an engine that fails twice gets no requests, one that answers again gets them', async () => {
    let ok = true;
    const { watch, lines } = watched(async () => ({ ok, detail: 'status 503' }));
    await pause(20);
    expect(watch.refusal).toBeUndefined();
    ok = false;
    await until(() => watch.refusal !== undefined);
    expect(watch.refusal).toMatchObject({ code: 'node_busy', retryAfterMs: 5 });
    ok = true;
    await until(() => watch.refusal === undefined);
    watch.stop();
    const said = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(said).toEqual(['the engine is not ready: requests are refused', 'the engine is ready again']);
});

test('one that fails now and then is taken for well', async () => {
    let turn = 0;
    const { watch, asked } = watched(async () => ({ ok: turn++ % 2 === 0, detail: '' }));
    for (let seen = 0; seen < 20; seen++) {
        await until(() => asked() > seen);
        expect(watch.refusal).toBeUndefined();
    }
    watch.stop();
});

test('one that cannot be asked is not well, and nobody asks after the end', async () => {
    const { watch, asked } = watched(() => Promise.reject(new Error('gone')));
    await until(() => watch.refusal !== undefined);
    watch.stop();
    await pause(10);
    const then = asked();
    await pause(30);
    expect(asked()).toBe(then);
});
