import { type Clock, formatTon, nowSec, parseTon, systemClock } from '../../base';
import { readPinnedDeployment } from '../../chain';
import type { ModelPrices } from '../../confidential';
import { loadConfig, modelPricesSchema, type NodeConfig, readPricesFile, writePricesFile } from '../../config';
import { nodeFiles, readNodeStatus } from '../../node';
import type { CommandResult } from '../verify-quote-command';
import { ProviderError } from './errors';
import { isRunning } from './running-node';
import { readMarket } from './market';

export interface SetPricesOptions {
    config?: string;
    model: string;
    /** TON a million tokens, as the others. */
    input?: string;
    cachedInput?: string;
    output?: string;
    reasoning?: string;
    dryRun?: boolean;
    json?: boolean;
}

const liveTimeoutMs = 30_000;
const pollIntervalMs = 500;

interface Outcome {
    model: string;
    before: ModelPrices;
    after: ModelPrices;
    /** dry_run: nothing written. stored: no node runs, they hold from its next start. unconfirmed: nobody lists them yet. */
    state: 'live' | 'stored' | 'unconfirmed' | 'dry_run';
    offer: string | null;
}

/**
 * `cocoon node set-prices`: writes the prices where the running node picks them up and signs a new offer, then waits until
 * its dispatcher lists that offer. Exit code 1: written, but not seen there.
 */
export async function runSetPrices(options: SetPricesOptions, clock: Clock = systemClock): Promise<CommandResult> {
    const config = loadConfig('node', { file: options.config });
    const files = nodeFiles(config);
    const status = readNodeStatus(files.status);
    const running = status !== null && isRunning(status, clock);
    if (running) requireModel(options.model, status.engine?.models.map(({ id }) => id) ?? []);
    const published = readPricesFile(files.prices);
    const before = published.get(options.model) ?? config.prices;
    const after = pricesAfter(before, options);
    const outcome = { model: options.model, before, after };
    if (options.dryRun) return result({ ...outcome, state: 'dry_run', offer: null }, options);
    writePricesFile(files.prices, new Map([...published, [options.model, after]]));
    if (!running || status.nodeKey === null) return result({ ...outcome, state: 'stored', offer: null }, options);
    const offer = await untilLive(config, { nodeKey: status.nodeKey, model: options.model, prices: after, clock });
    return result({ ...outcome, state: offer === null ? 'unconfirmed' : 'live', offer }, options);
}

function requireModel(model: string, known: readonly string[]): void {
    if (known.length === 0 || known.includes(model)) return;
    const message = `the running node does not serve ${model}: it serves ${known.join(', ')}`;
    throw new ProviderError('argument_invalid', message);
}

function pricesAfter(before: ModelPrices, options: SetPricesOptions): ModelPrices {
    const { input, cachedInput, output, reasoning } = options;
    const given = [input, cachedInput, output, reasoning].filter((price) => price !== undefined);
    if (given.length === 0)
        throw new ProviderError('argument_invalid', 'name at least one price, such as --output 1.6');
    const after = {
        inputNano: amount(input, before.inputNano),
        cachedInputNano: amount(cachedInput, before.cachedInputNano),
        outputNano: amount(output, before.outputNano),
        reasoningNano: amount(reasoning, before.reasoningNano),
    };
    const asText = Object.fromEntries(Object.entries(after).map(([field, nano]) => [field, nano.toString()]));
    const parsed = modelPricesSchema.safeParse(asText);
    if (parsed.success) return parsed.data;
    throw new ProviderError('argument_invalid', parsed.error.issues.map(({ message }) => message).join('; '));
}

function amount(given: string | undefined, otherwise: bigint): bigint {
    return given === undefined ? otherwise : parseTon(given);
}

/** Hash of the listed offer that says so; null when none did in time. */
async function untilLive(
    config: NodeConfig,
    wanted: { nodeKey: string; model: string; prices: ModelPrices; clock: Clock },
): Promise<string | null> {
    const { clock, nodeKey } = wanted;
    const network = (await readPinnedDeployment(config.deploymentFile)).registry.hash;
    const endMs = clock.monotonicMs() + liveTimeoutMs;
    while (clock.monotonicMs() < endMs) {
        const at = { network, nodeKey, nowSec: nowSec(clock) };
        const [node] = await readMarket(config.dispatcherUrl, at).catch(() => []);
        const offer = node?.nodeKey === nodeKey ? node.offer : undefined;
        const terms = offer?.models.find(({ model }) => model === wanted.model);
        if (offer !== undefined && terms !== undefined && same(terms, wanted.prices)) return offer.hash.toString('hex');
        await clock.sleep(pollIntervalMs);
    }
    return null;
}

function same(a: ModelPrices, b: ModelPrices): boolean {
    const { inputNano, cachedInputNano, outputNano, reasoningNano } = a;
    return (
        inputNano === b.inputNano &&
        cachedInputNano === b.cachedInputNano &&
        outputNano === b.outputNano &&
        reasoningNano === b.reasoningNano
    );
}

function result(outcome: Outcome, { json, config }: SetPricesOptions): CommandResult {
    const exitCode = outcome.state === 'unconfirmed' ? 1 : 0;
    if (!json) return { output: describe(outcome, config), exitCode };
    const asText = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
    return { output: JSON.stringify(outcome, asText), exitCode };
}

const stateTexts = (config = '…'): Record<Outcome['state'], string> => ({
    live: 'live: the dispatcher lists the new offer; requests under the old one keep its prices until it expires',
    stored: 'written; no node runs with this configuration, so they hold from its next start',
    unconfirmed: `written, but the dispatcher lists no such offer after ${liveTimeoutMs / 1000} s: cocoon node status --config ${config} says why`,
    dry_run: 'nothing was written (--dry-run)',
});

function describe({ model, before, after, state, offer }: Outcome, config?: string): string {
    const row = (name: string, field: keyof ModelPrices) =>
        `  ${name.padEnd(14)} ${formatTon(before[field]).padStart(14)}  ->  ${formatTon(after[field])}`;
    return [
        `${model}, TON a million tokens`,
        row('input', 'inputNano'),
        row('cached input', 'cachedInputNano'),
        row('output', 'outputNano'),
        row('reasoning', 'reasoningNano'),
        stateTexts(config)[state],
        ...(offer === null ? [] : [`offer ${offer}`]),
    ].join('\n');
}
