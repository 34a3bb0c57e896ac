import fc from 'fast-check';
import { holdDone } from '../../../keepers/gateway/hold-done';

const words = 'data: {"choices":[{"delta":{"content":"data: [DONE] is no end"}}]}\n\n: keep alive\n\ndata: {}\n\n';

/** Cut at these places. */
function pieces(text: string, cuts: readonly number[]): Buffer[] {
    const places = [0, ...[...cuts].map((cut) => cut % text.length).sort((a, b) => a - b), text.length];
    return places.slice(1).map((end, index) => Buffer.from(text.slice(places[index], end)));
}

/** What has passed by the time that each piece was given, and in the end. */
async function passed(chunks: readonly Buffer[], failure?: Error): Promise<{ before: string; all: string }> {
    let before = '';
    let all = '';
    const body = async function* () {
        yield* chunks;
        before = all;
        if (failure) throw failure;
    };
    try {
        for await (const chunk of holdDone(body())) all += chunk.toString();
    } catch (error) {
        if (error !== failure) throw error;
    }
    return { before, all };
}

const cuts = fc.array(fc.nat(1_000), { maxLength: 12 });

test.each(['data: [DONE]\n\n', 'data:[DONE]\n\n'])(
    '%j waits for the end, all before it does not, however it is cut',
    async (done) => {
        await fc.assert(
            fc.asyncProperty(cuts, async (places) => {
                const { before, all } = await passed(pieces(words + done, places));
                expect([before, all]).toEqual([words, words + done]);
            }),
        );
    },
);

test('of an answer that breaks off at its end nobody sees that it was done', async () => {
    await fc.assert(
        fc.asyncProperty(cuts, async (places) => {
            const { all } = await passed(pieces(`${words}data: [DONE]\n\n`, places), new Error('no final receipt'));
            expect(all).toBe(words);
        }),
    );
});

test('a stream without a [DONE] passes as it is', async () => {
    await fc.assert(
        fc.asyncProperty(
            fc.string({ unit: fc.constantFrom('d', 'a', 't', ':', ' ', '[', '\n', 'D') }),
            cuts,
            async (text, places) => {
                expect((await passed(pieces(`${text}.`, places))).all).toBe(`${text}.`);
            },
        ),
    );
});
