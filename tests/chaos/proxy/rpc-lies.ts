import type { Dice } from '../dice';

/** What a public endpoint does on a bad day. */
export const rpcLies = [
    'stale',
    'reordered',
    'duplicated',
    'missing',
    'error-500',
    'rate-limited',
    'timeout',
    'cut-body',
    'late',
    'garbage',
    'send-dropped',
    'send-doubled',
    'send-unanswered',
] as const;
export type RpcLie = (typeof rpcLies)[number];

export interface RpcCall {
    method: string;
    params: unknown;
}

export interface RpcReply {
    status: number;
    body: string;
}

export const isSend = ({ method }: RpcCall) => method === 'sendBoc' || method === 'sendBocReturnHash';

/** Lies about the way of a message, not about what an answer says. */
export const isSendLie = (lie: RpcLie) => lie.startsWith('send-');

/** The answer with its list of transactions told wrongly; other answers stay as they are. */
export function distortList(lie: RpcLie, reply: RpcReply, dice: Dice): RpcReply {
    const answer = parse(reply.body);
    if (!Array.isArray(answer?.result) || answer.result.length === 0) return reply;
    const list: unknown[] = answer.result;
    return { ...reply, body: JSON.stringify({ ...answer, result: distorted(lie, list, dice) }) };
}

function distorted(lie: RpcLie, list: unknown[], dice: Dice): unknown[] {
    if (lie === 'reordered') return dice.shuffled(list);
    if (lie === 'duplicated') return list.flatMap((one) => (dice.chance(0.5) ? [one, one] : [one]));
    if (lie !== 'missing') return list;
    // A replica that lags lacks the newest, one that has lost some has a hole.
    const kept = dice.chance(0.5) ? list.slice(1) : list.filter(() => dice.chance(0.6));
    return kept;
}

function parse(body: string): { result?: unknown } | undefined {
    try {
        return JSON.parse(body) as { result?: unknown };
    } catch {
        return undefined;
    }
}
