import { type Logger, silentLogger, systemClock } from '../../../keepers/base';
import { AnswerOpener, type AnswerEvent, bindingOfEnvelope } from '../../../keepers/confidential';
import { linkOperation } from '../../../keepers/dispatch';
import type { NodeLog } from '../../../keepers/ledger';
import type { Engine } from '../../../keepers/node/engine';
import type { OfferBook } from '../../../keepers/node/offers';
import { NodeService } from '../../../keepers/node/service';
import { modelIndex, offer } from '../confidential/exchange';
import { keyringOf, network, node, sealRequest, type SealedRequest } from '../dispatch/sealed-request';
import { temporaryFolder } from '../ledger/temporary-folder';
import { chunk, end, gateOf, head, openLog, ScriptedEngine, type Script } from './node-fixture';
import { ScriptedDispatcher } from './scripted-dispatcher';

const folder = temporaryFolder();
const endings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
    for (const ending of endings.splice(0).reverse()) await ending();
});

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(condition: () => boolean): Promise<void> {
    for (let tries = 0; !condition(); tries++) {
        if (tries > 1_500) throw new Error('it never happened');
        await pause(5);
    }
}

const answer: Script = async function* () {
    yield head;
    yield chunk('hello');
    yield end(3);
};

export interface NodeOptions {
    script?: Script;
    /** In place of a script. */
    engine?: Engine;
    logger?: Logger;
    /** Holds requests in admission until it resolves. */
    admission?: Promise<void>;
    log?: NodeLog;
    scope?: { network: Buffer; hub: Buffer; replica?: string };
    resumeGraceMs?: number;
    /** Dispatchers beside the test's own, by what they serve. */
    others?: { network: Buffer; hub: Buffer; replica?: string }[];
}

/** A node whose dispatcher is the test's; it ends with the test. */
export async function startedNode(options: NodeOptions = {}) {
    const dispatcher = new ScriptedDispatcher(options.scope);
    const others = (options.others ?? []).map((scope) => new ScriptedDispatcher(scope));
    const placeOf = async (one: ScriptedDispatcher) => ({ url: await one.url(), hub: one.hub });
    const keyring = await keyringOf(node);
    const { gate, clock } = await gateOf({ keyring });
    const admit = gate.admit.bind(gate);
    gate.admit = async (envelope, by) => {
        await options.admission;
        return admit(envelope, by);
    };
    const { log } = await openLog(folder);
    const engine = options.engine ?? new ScriptedEngine(options.script ?? answer);
    const service = new NodeService({
        network,
        dispatchers: await Promise.all([dispatcher, ...others].map(placeOf)),
        resumeGraceMs: options.resumeGraceMs ?? 50,
        signer: node,
        evidence: { bundle: '', quote: '', collateral: null },
        keyring,
        offers: { current: offer, renewIfDue: () => false } as unknown as OfferBook,
        gate,
        engine,
        log: options.log ?? log,
        // Requests live by the test's clock, connections by the wall's.
        clock: { ...systemClock, nowMs: () => clock.nowMs() },
        logger: options.logger ?? silentLogger(),
    });
    await service.start();
    endings.push(
        () => log.close(),
        () => [dispatcher, ...others].forEach((one) => one.stop()),
        () => service.stop(0),
    );
    await until(() => dispatcher.dials === 1);
    const seal = (name: string, body?: Buffer) => sealRequest({ name, keyring, capNano: 10n ** 9n, body });
    return {
        dispatcher,
        others,
        service,
        engine,
        seal,
        /** Every dispatcher has been greeted. */
        ready: () => until(() => [dispatcher, ...others].every((one) => one.of(linkOperation.hello).length > 0)),
    };
}

export function read(request: SealedRequest, wire: Buffer): AnswerEvent[] {
    const to = bindingOfEnvelope(request.envelope);
    return new AnswerOpener({ to, cek: request.cek, offer, modelIndex }).push(wire);
}

export const ended = (wire: Buffer) => wire.includes(Buffer.from([3, 0, 0, 2, 12]));
