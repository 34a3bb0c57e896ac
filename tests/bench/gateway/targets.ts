/** What the project promises; a figure that could not be taken is a miss. */
const limits: Record<string, { atMost?: number; atLeast?: number }> = {
    cpuPerChunkVsUndici: { atMost: 1.25 },
    ttftAddedMsP50: { atMost: 1 },
    chunksPerSecondVsLlms: { atLeast: 2 },
    interTokenAddedMsP99: { atMost: 40 },
    endToEndCpuVsUndici: { atMost: 4 },
    pickP99Micros: { atMost: 20 },
};

/** A sentence for each promise that this run does not keep. */
export function missedTargets(headline: Readonly<Record<string, number>>): string[] {
    return Object.entries(limits).flatMap(([name, { atMost = Infinity, atLeast = -Infinity }]) => {
        const value = headline[name] ?? NaN;
        if (value <= atMost && value >= atLeast) return [];
        return [`${name} is ${value}, must be ${atMost < Infinity ? `at most ${atMost}` : `at least ${atLeast}`}`];
    });
}
