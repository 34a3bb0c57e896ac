import * as fc from 'fast-check';
import { actorNames } from './actors';
import { priceLevels } from './prices';
import { nodeCount } from './scene';

/**
 * What a run is made of. Every operation means something in every state, so that any part of a run is a run: that is what lets a
 * failure shrink. Numbers are taken modulo what there is. `by` 0 is whoever is entitled, others are actors.
 */
export type Operation =
    | { do: 'deliver'; pick: number; refusing: boolean }
    | { do: 'wait'; seconds: number }
    | { do: 'prices'; gas: number; forward: number; storage: number }
    | { do: 'open'; escrow: number; by: number; session: number; lifeSec: number; valueNano: number }
    | { do: 'topUp'; escrow: number; by: number; bounce: boolean; valueNano: number }
    | { do: 'setSession'; escrow: number; by: number; session: number; lifeSec: number; pay: Pay }
    | { do: 'close' | 'withdraw'; escrow: number; by: number; pay: Pay }
    | { do: 'settle'; escrow: number; by: number; epochShift: number; pay: Pay; lines: LineChoice[] }
    | { do: 'replay'; which: number; by: number }
    | { do: 'claim'; hub: number; by: number; pay: Pay }
    | { do: 'withdrawFees'; hub: number; by: number; pay: Pay }
    | { do: 'setFee'; hub: number; by: number; feeBps: number; pay: Pay }
    | { do: 'topUpReserve'; holder: number; valueNano: number }
    | { do: 'create'; provider: number; by: number; pay: Pay }
    | { do: 'bond'; provider: number; by: number; valueNano: number }
    | { do: 'unbond'; provider: number; by: number; permille: number; pay: Pay }
    | { do: 'withdrawBond'; provider: number; by: number; pay: Pay }
    | { do: 'revoke'; node: number; by: number; pay: Pay }
    | { do: 'admit'; node: number; through: number; hub: number; by: number; pay: Pay }
    | ({
          do: 'register';
          node: number;
          through: number;
          by: number;
          lifeSec: number;
          image: number;
          platform: number;
      } & { byBond: boolean; authorized: number; pay: Pay })
    | { do: 'prune'; node: number; hub: number; by: number; pay: Pay }
    | { do: 'announce'; hub: number; by: number; valueNano: number }
    | { do: 'unlist'; hub: number; by: number; pay: Pay }
    | { do: 'slash'; node: number; by: number; first: ReceiptChoice; second: ReceiptChoice; pay: Pay }
    | { do: 'recheck'; node: number; hub: number; cause: number; id: number; by: number; pay: Pay }
    | { do: 'prunePlatform'; platform: number; by: number; pay: Pay }
    | { do: 'propose'; action: number; by: number; pay: Pay }
    | { do: 'execute' | 'cancel'; back: number; by: number; pay: Pay }
    | { do: 'deny'; platform: number; by: number; pay: Pay }
    | { do: 'foreign'; to: number; by: number; form: number; bounce: boolean; valueNano: number };

/** exact: what the contract announces; short: one nanoTON less; plenty where it announces nothing. */
export const payments = ['plenty', 'exact', 'short', 'thin', 'nothing'] as const;
export type Pay = (typeof payments)[number];

export const flaws = [
    'none',
    'node forged',
    'cap forged',
    'other escrow',
    'other epoch',
    'other network',
    'cap of other escrow',
    'cap of other epoch',
    'too long',
    'too short',
    'padded',
] as const;

export interface LineChoice {
    node: number;
    /** 0: the escrow's present session key, others by number */
    session: number;
    /** over what the escrow paid the node so far */
    addNano: number;
    /** cap less receipt */
    capOverNano: number;
    flaw: (typeof flaws)[number];
}

/** A receipt shown as evidence. */
export interface ReceiptChoice {
    sequence: number;
    cumulativeNano: number;
    /** who signed it: 0 the node */
    signer: number;
}

const ton = 1_000_000_000;
const number = (max: number) => fc.integer({ min: 0, max });
/** Mostly the one entitled. */
const by = fc.oneof({ arbitrary: fc.constant(0), weight: 7 }, { arbitrary: number(actorNames.length), weight: 1 });
const pay = fc.oneof(
    { arbitrary: fc.constant<Pay>('plenty'), weight: 8 },
    { arbitrary: fc.constantFrom(...payments), weight: 2 },
);
const escrow = number(4);
const hub = number(1);
const provider = number(2);
const node = number(nodeCount - 1);
const session = number(3);
/** Session keys and nodes' keys end within hours or days. */
const lifeSec = fc.oneof(fc.constant(86_400), fc.integer({ min: -1, max: 3 * 86_400 }));
const valueNano = fc.oneof(fc.integer({ min: 1, max: 6 * ton }), fc.integer({ min: 1, max: ton / 5 }));

const line: fc.Arbitrary<LineChoice> = fc.record({
    node,
    session: fc.oneof({ arbitrary: fc.constant(0), weight: 8 }, { arbitrary: session, weight: 2 }),
    addNano: fc.oneof(fc.integer({ min: -ton / 2, max: ton }), fc.integer({ min: 0, max: 1000 })),
    capOverNano: fc.oneof(fc.constant(0), fc.integer({ min: -ton / 2, max: ton })),
    flaw: fc.oneof(
        { arbitrary: fc.constant('none' as const), weight: 9 },
        { arbitrary: fc.constantFrom(...flaws), weight: 2 },
    ),
});

const evidence: fc.Arbitrary<ReceiptChoice> = fc.record({
    sequence: fc.integer({ min: 1, max: 3 }),
    cumulativeNano: fc.integer({ min: 0, max: 3 }),
    signer: rarelyOther(),
});

const seconds = fc.oneof(
    { arbitrary: fc.integer({ min: 1, max: 700 }), weight: 6 },
    { arbitrary: fc.integer({ min: 1, max: 2 * 3600 }), weight: 4 },
    { arbitrary: fc.integer({ min: 1, max: 2 * 86_400 }), weight: 1 },
    { arbitrary: fc.constant(8 * 86_400), weight: 1 },
);

const level = number(priceLevels.length - 1);

/** A kind of operation and how often it comes, against 300 deliveries. */
const kinds: fc.WeightedArbitrary<Operation>[] = [
    { weight: 300, arbitrary: fc.record({ do: of('deliver'), pick: number(7), refusing: rarely(40) }) },
    { weight: 12, arbitrary: fc.record({ do: of('wait'), seconds }) },
    { weight: 4, arbitrary: fc.record({ do: of('prices'), gas: level, forward: level, storage: level }) },
    { weight: 10, arbitrary: fc.record({ do: of('open'), escrow, by, session, lifeSec, valueNano }) },
    { weight: 10, arbitrary: fc.record({ do: of('topUp'), escrow, by, bounce: fc.boolean(), valueNano }) },
    { weight: 5, arbitrary: fc.record({ do: of('setSession'), escrow, by, session, lifeSec, pay }) },
    { weight: 3, arbitrary: fc.record({ do: of('close'), escrow, by, pay }) },
    { weight: 5, arbitrary: fc.record({ do: of('withdraw'), escrow, by, pay }) },
    {
        weight: 40,
        arbitrary: fc.record({
            do: of('settle'),
            escrow,
            by,
            epochShift: fc.oneof(
                { arbitrary: fc.constant(0), weight: 12 },
                { arbitrary: fc.constantFrom(-1, 1), weight: 1 },
            ),
            pay: fc.oneof({ arbitrary: fc.constant<Pay>('exact'), weight: 5 }, { arbitrary: pay, weight: 2 }),
            lines: fc.oneof(
                { arbitrary: fc.array(line, { minLength: 1, maxLength: 4 }), weight: 8 },
                { arbitrary: fc.array(line, { minLength: 1, maxLength: 12 }), weight: 1 },
            ),
        }),
    },
    { weight: 6, arbitrary: fc.record({ do: of('replay'), which: number(20), by }) },
    { weight: 8, arbitrary: fc.record({ do: of('claim'), hub, by: number(actorNames.length), pay }) },
    { weight: 4, arbitrary: fc.record({ do: of('withdrawFees'), hub, by, pay }) },
    { weight: 4, arbitrary: fc.record({ do: of('setFee'), hub, by, feeBps: number(2200), pay }) },
    { weight: 2, arbitrary: fc.record({ do: of('topUpReserve'), holder: number(2), valueNano }) },
    { weight: 1, arbitrary: fc.record({ do: of('create'), provider, by, pay }) },
    { weight: 4, arbitrary: fc.record({ do: of('bond'), provider, by: number(actorNames.length), valueNano }) },
    { weight: 3, arbitrary: fc.record({ do: of('unbond'), provider, by, permille: number(1050), pay }) },
    { weight: 4, arbitrary: fc.record({ do: of('withdrawBond'), provider, by, pay }) },
    { weight: 1, arbitrary: fc.record({ do: of('revoke'), node, by, pay }) },
    {
        weight: 8,
        arbitrary: fc.record({
            do: of('admit'),
            node,
            through: rarelyOther(),
            hub: number(2),
            by: number(actorNames.length),
            pay,
        }),
    },
    {
        weight: 8,
        arbitrary: fc.record({
            do: of('register'),
            node,
            through: rarelyOther(),
            by,
            lifeSec,
            image: rarelyOther(2),
            byBond: rarely(6),
            platform: number(2),
            authorized: rarelyOther(2),
            pay,
        }),
    },
    { weight: 3, arbitrary: fc.record({ do: of('prune'), node, hub, by: number(actorNames.length), pay }) },
    {
        weight: 3,
        arbitrary: fc.record({ do: of('announce'), hub, by, valueNano: fc.integer({ min: 1, max: 30 * ton }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: of('unlist'), hub, by, pay }) },
    {
        weight: 2,
        arbitrary: fc.record({
            do: of('slash'),
            node,
            by: number(actorNames.length),
            first: evidence,
            second: evidence,
            pay,
        }),
    },
    {
        weight: 3,
        arbitrary: fc.record({ do: of('recheck'), node, hub: number(2), cause: number(2), id: number(2), by, pay }),
    },
    { weight: 2, arbitrary: fc.record({ do: of('prunePlatform'), platform: number(2), by, pay }) },
    { weight: 2, arbitrary: fc.record({ do: of('propose'), action: number(5), by, pay }) },
    { weight: 2, arbitrary: fc.record({ do: of('execute'), back: number(2), by, pay }) },
    { weight: 1, arbitrary: fc.record({ do: of('cancel'), back: number(2), by, pay }) },
    { weight: 1, arbitrary: fc.record({ do: of('deny'), platform: number(2), by, pay }) },
    {
        weight: 8,
        arbitrary: fc.record({
            do: of('foreign'),
            to: number(10),
            by: number(actorNames.length),
            form: number(9),
            bounce: fc.boolean(),
            valueNano,
        }),
    },
] as fc.WeightedArbitrary<Operation>[];

export const operation: fc.Arbitrary<Operation> = fc.oneof(...kinds);

/** The operations of one world. */
export function operationsOf(seed: number, length: number): Operation[] {
    return fc.sample(operation, { seed, numRuns: length });
}

function of<T extends Operation['do']>(name: T): fc.Arbitrary<T> {
    return fc.constant(name);
}

function rarely(oneIn: number): fc.Arbitrary<boolean> {
    return fc.oneof({ arbitrary: fc.constant(false), weight: oneIn - 1 }, { arbitrary: fc.constant(true), weight: 1 });
}

function rarelyOther(max = 1): fc.Arbitrary<number> {
    return fc.oneof({ arbitrary: fc.constant(0), weight: 9 }, { arbitrary: number(max), weight: 1 });
}
