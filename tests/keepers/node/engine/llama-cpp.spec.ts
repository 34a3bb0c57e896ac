import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EngineUsage } from '../../../../keepers/node/engine';
import { typescriptNode } from '../../../support/typescript-node';

interface Answer {
    status: number;
    headers: Record<string, string>;
    body: string;
    usage: EngineUsage;
    running: EngineUsage[];
    /** Where this answer was asked to stop. */
    stopWord?: string;
}

interface Refusal {
    error: { message: string; type: string; param: string | null; code: string };
    status: number;
    ms: number;
}

interface Report {
    described: unknown;
    health: { ok: boolean };
    healthAfterClose: { ok: boolean };
    answers: Record<string, Answer> & { firstTokens: Answer[] };
    refusals: Record<string, Refusal> & { fits: number };
    cancellations: { midAnswer: Refusal; longPrompt: Refusal; afterStatus: number };
    recounted: Record<'greedy' | 'sampled', { told: EngineUsage; counted: EngineUsage }[]>;
    remembered: { meanwhile: number; held: number[] };
    missingFile: Refusal;
    tooMuchContext: Refusal;
    queue: { served: number; codes: string[]; cut: Refusal; later: Refusal; closeMs: number };
}

interface Choice {
    index: number;
    text?: string;
    message?: { role: string; content: string };
    delta?: { role?: string; content?: string };
    finish_reason: string | null;
}

interface Spelled {
    object: string;
    model: string;
    choices: Choice[];
    usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number } | null;
}

const whole = (answer?: Answer) => JSON.parse(answer?.body ?? '') as Spelled;

function events(answer?: Answer): Spelled[] {
    const lines = (answer?.body ?? '').split('\n\n').filter((line) => line !== '');
    expect(lines.pop()).toBe('data: [DONE]');
    return lines.map((line) => JSON.parse(line.replace(/^data: /, '')) as Spelled);
}

function textOf(answer?: Answer): string {
    const choice = whole(answer).choices[0];
    return choice?.message?.content ?? choice?.text ?? '';
}

const streamedText = (answer?: Answer) =>
    events(answer)
        .map(({ choices: [choice] }) => choice?.delta?.content ?? choice?.text ?? '')
        .join('');

/** One process runs every scenario: loading llama.cpp is the slow part, and jest cannot load it at all. */
async function runEngine(): Promise<Report> {
    const script = join(__dirname, 'embedded-engine.ts');
    const options = { maxBuffer: 64 * 1024 * 1024 };
    const { stdout } = await promisify(execFile)(process.execPath, [...typescriptNode, script], options);
    return JSON.parse(stdout) as Report;
}

describe('the embedded engine with the toy model', () => {
    let report: Report;
    let answers: Report['answers'];

    beforeAll(async () => {
        report = await runEngine();
        answers = report.answers;
    }, 120_000);

    it('says what it serves', () => {
        const capabilities = ['chat.completions', 'completions'];
        expect(report.described).toEqual([{ id: 'cocoon-toy', contextLength: 2048, capabilities }]);
        expect([report.health.ok, report.healthAfterClose.ok]).toEqual([true, false]);
    });

    describe('answering', () => {
        it('gives a chat completion of English words', () => {
            const spelled = whole(answers.whole);
            expect(spelled).toMatchObject({ object: 'chat.completion', model: 'cocoon-toy' });
            expect(spelled.choices[0]).toMatchObject({ index: 0, message: { role: 'assistant' } });
            expect(textOf(answers.whole)).toMatch(/\b(the|and|of|unto)\b.*\b(the|and|of|unto)\b/is);
        });

        it('ends at the length asked for, or by itself', () => {
            expect(whole(answers.greedy).choices[0]?.finish_reason).toBe('length');
            expect(answers.greedy?.usage.completionTokens).toBe(12);
            expect(whole(answers.whole).choices[0]?.finish_reason).toBe('stop');
        });

        it('never spends a token on a marker nobody can read', () => {
            const shown = answers.firstTokens.filter((answer) => answer.usage.completionTokens === 1).map(textOf);
            expect(shown.length).toBeGreaterThan(30);
            expect(shown).not.toContain('');
        });

        it('spells the usage it reports', () => {
            const { promptTokens, completionTokens } = answers.whole?.usage ?? ({} as EngineUsage);
            expect(whole(answers.whole).usage).toMatchObject({
                prompt_tokens: promptTokens,
                completion_tokens: completionTokens,
                total_tokens: promptTokens + completionTokens,
            });
        });

        it('repeats itself for the same seed and not for another', () => {
            expect(textOf(answers.again)).toBe(textOf(answers.whole));
            expect(textOf(answers.otherSeed)).not.toBe(textOf(answers.whole));
            expect(textOf(answers.hugeSeed)).not.toBe('');
            expect(textOf(answers.greedyByNucleus)).toBe(textOf(answers.greedy));
        });

        it('heeds penalties', () => {
            const distinct = (text: string) => new Set(text.split(/\W+/)).size;
            expect(distinct(textOf(answers.penalised))).toBeGreaterThan(distinct(textOf(answers.unpenalised)));
        });

        it('leaves a stop string and what follows out', () => {
            const full = textOf(answers.unpenalised);
            const stopWord = answers.stopped?.stopWord ?? '';
            expect(full.indexOf(stopWord)).toBeGreaterThan(0);
            expect(textOf(answers.stopped)).toBe(full.slice(0, full.indexOf(stopWord)));
            expect(whole(answers.stopped).choices[0]?.finish_reason).toBe('stop');
        });

        it('gives several choices and counts the prompt once', () => {
            const texts = whole(answers.two).choices.map((choice) => choice.message?.content);
            expect(new Set(texts).size).toBe(2);
            expect(answers.two?.usage).toMatchObject({ promptTokens: 7, completionTokens: 16 });
            expect(new Set(events(answers.twoStreamed).map(({ choices }) => choices[0]?.index))).toEqual(
                new Set([0, 1]),
            );
        });

        it('takes a history, with text in parts and an answer of its own', () => {
            expect(answers.history).toMatchObject({ status: 200, usage: { completionTokens: 5 } });
        });

        it('completes plain prompts, sixteen tokens unless told otherwise', () => {
            expect(whole(answers.completion).object).toBe('text_completion');
            expect(answers.completion?.usage.completionTokens).toBe(20);
            expect(answers.completionByDefault?.usage.completionTokens).toBe(16);
            expect(streamedText(answers.completionStreamed)).toBe(textOf(answers.completion));
        });
    });

    describe('streaming', () => {
        it('says the same as the whole answer, role first and reason last', () => {
            const parts = events(answers.streamed).map(({ choices: [choice] }) => choice);
            expect(streamedText(answers.streamed)).toBe(textOf(answers.whole));
            expect(parts[0]?.delta).toEqual({ role: 'assistant', content: '' });
            expect(parts.at(-1)).toMatchObject({ delta: {}, finish_reason: 'stop' });
            expect(answers.streamed?.headers['content-type']).toMatch('text/event-stream');
        });

        it('counts as it goes and ends on the count of the whole answer', () => {
            const counts = answers.streamed?.running.map((usage) => usage.completionTokens) ?? [];
            expect(counts).toEqual([...counts].sort((one, other) => one - other));
            expect(counts[0]).toBe(1);
            expect(answers.streamed?.usage).toEqual(answers.whole?.usage);
        });

        it('spells usage only for a client who asked', () => {
            expect(events(answers.streamed).every((event) => !('usage' in event))).toBe(true);
            const last = events(answers.streamedWithUsage).at(-1);
            expect(last).toMatchObject({ choices: [], usage: whole(answers.whole).usage });
        });
    });

    describe('what a client types', () => {
        it('stays text, though it spells a marker', () => {
            // The template's own two markers, and no more of them: five tokens and twelve of plain text.
            expect(answers.emptyMessage?.usage.promptTokens).toBe(2);
            expect(answers.typedMarker?.usage.promptTokens).toBeGreaterThan(3);
            expect(answers.typedRoles?.usage.promptTokens).toBeGreaterThan(4);
        });

        it('may be in a script the model never saw', () => {
            expect(answers.otherScript?.status).toBe(200);
        });
    });

    describe('refusing', () => {
        it.each([
            ['longPrompt', 'context_length_exceeded', 'messages', 400, '2048 tokens'],
            ['longCompletionPrompt', 'context_length_exceeded', 'prompt', 400, 'needs 3003 for the prompt and 16'],
            ['longAnswer', 'context_length_exceeded', 'max_tokens', 400, 'needs 7 for the prompt and 2048'],
            ['tools', 'unsupported_parameter', 'tools', 400, 'tools'],
            ['otherModel', 'model_not_found', 'model', 404, 'cocoon-toy'],
            ['otherPath', 'invalid_request', null, 400, '/v1/embeddings'],
        ])('%s with %s', (name, code, param, status, words) => {
            const refusal = report.refusals[name];
            expect(refusal?.error).toMatchObject({ code, param, type: 'invalid_request_error' });
            expect(refusal?.error.message).toContain(words);
            expect(refusal?.status).toBe(status);
        });

        it('but not a request that just fills the context', () => {
            expect(report.refusals.fits).toBe(200);
        });

        it('a model that is not there, or a context it was not trained on', () => {
            expect(report.missingFile.error).toMatchObject({ code: 'engine_unavailable', type: 'server_error' });
            expect(report.tooMuchContext.error.message).toContain('trained on 2048');
        });
    });

    it('stops within a second of a cancellation and serves the next request', () => {
        const { midAnswer, longPrompt, afterStatus } = report.cancellations;
        expect([midAnswer.error.code, longPrompt.error.code]).toEqual(['cancelled', 'cancelled']);
        expect(Math.max(midAnswer.ms, longPrompt.ms)).toBeLessThan(1_000);
        expect(afterStatus).toBe(200);
    });

    it('holds nothing of a prompt after an answer, whole, broken off or cancelled', () => {
        expect(report.remembered.meanwhile).toBeGreaterThan(10);
        expect(report.remembered.held).toEqual([0, 0, 0]);
    });

    describe('counted again by its tokenizer, without its own count', () => {
        it('is counted the same, prompt and answer, whole and streamed', () => {
            expect(report.recounted.greedy).toHaveLength(10);
            for (const { told, counted } of report.recounted.greedy) expect(counted).toEqual(told);
        });

        it('differs by a token at most where a sampled text was written in other tokens than the tokenizer’s', () => {
            const { sampled } = report.recounted;
            const offBy = sampled.map(({ told, counted }) =>
                Math.abs(counted.completionTokens - told.completionTokens),
            );
            expect(sampled.every(({ told, counted }) => counted.promptTokens === told.promptTokens)).toBe(true);
            expect(Math.max(...offBy)).toBeLessThanOrEqual(1);
            expect(offBy.filter((off) => off === 0).length).toBeGreaterThanOrEqual(38);
        });
    });

    it('queues what it cannot run at once, refuses the rest, and ends open answers when closed', () => {
        expect(report.queue).toMatchObject({ served: 3, codes: ['engine_overloaded'] });
        expect([report.queue.cut.error.code, report.queue.later.error.code]).toEqual([
            'engine_unavailable',
            'engine_unavailable',
        ]);
        expect(report.queue.closeMs).toBeLessThan(2_000);
    });
});
