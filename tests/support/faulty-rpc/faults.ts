/** What an endpoint can do wrong to one request. */
export const faults = [
    // It does not answer as it should.
    'status-500',
    'status-429',
    'html',
    'silence',
    'reset',
    'huge-body',
    'slow-loris',
    'truncated',
    'late',
    // It loses or repeats a message on its way to the network, or what became of it.
    'send-dropped',
    'send-doubled',
    'send-unanswered',
    // It answers another form than the one agreed upon, as after an upgrade.
    'unknown-schema',
    'unknown-constructor',
    // It lies.
    'stale',
    'missing',
    'reordered',
    'duplicated',
    'wrong-hash',
    'other-value',
] as const;

export type Fault = (typeof faults)[number];

/** Those after which the answer still has the right form. */
export const lies: readonly Fault[] = ['stale', 'missing', 'reordered', 'duplicated', 'wrong-hash', 'other-value'];

/** Those about messages on their way; other requests are passed on. */
export const sendFaults: readonly Fault[] = ['send-dropped', 'send-doubled', 'send-unanswered'];

export interface FaultyRequest {
    /** Of version 2 the method; of version 4 `v4:` and what the path is about: block, account, run, tx, config, send. */
    method: string;
    url: string;
    body: string;
}

/** Decides what happens to a request; null: nothing, the answer is passed on as it is. */
export type ChooseFault = (request: FaultyRequest) => Fault | null;

/** Reads of version 2 as POST and of version 4 as paths, by one name each. */
export function methodOf(url: string, body: string): string {
    const v4 = /^\/v4\/(block|account|send)(?:\/[^/]+)?(?:\/([^/]+))?(?:\/(run|lite|changed))?/.exec(url);
    if (v4 === null) return (/"method"\s*:\s*"(\w+)"/.exec(body)?.[1] ?? url.split('?')[0]!.split('/').at(-1))!;
    if (v4[1] === 'send') return 'v4:send';
    if (v4[1] === 'account') return 'v4:tx';
    if (v4[2] === undefined) return 'v4:block';
    return v4[2] === 'config' ? 'v4:config' : `v4:${v4[3] ?? 'account'}`;
}

export function isSend(method: string): boolean {
    return method === 'sendBoc' || method === 'sendBocReturnHash' || method === 'v4:send';
}
