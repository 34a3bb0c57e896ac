import type { AnswerShape } from './engine-events';

export interface Scenario {
    name: string;
    streams: number;
    shape: AnswerShape;
    rampMs: number;
    /** Without streaming. */
    durationMs: number;
}

const streaming = (streams: number, perSecond: number, seconds: number): Scenario => ({
    name: `${streams}x${perSecond}`,
    streams,
    shape: { events: perSecond * seconds, intervalMs: 1000 / perSecond },
    rampMs: 1_000,
    durationMs: 0,
});

/** Answers of 200 and of 80 tokens; four seconds of each are long against a 10 ms scheduler and short against the day. */
export const defaultScenarios: Scenario[] = [
    streaming(64, 50, 4),
    streaming(400, 20, 4),
    { name: 'unary', streams: 32, shape: { events: 0, intervalMs: 0 }, rampMs: 0, durationMs: 1_500 },
];

export const fullScenarios: Scenario[] = [...defaultScenarios, streaming(2_000, 5, 8)];
