import { type Clock, formatTon, nowSec, systemClock } from '../../base';
import type { ModelPrices } from '../../confidential';
import { readPricesFile } from '../../config';
import { readEarningsTally, type TallyRow } from '../../node';
import type { CommandResult } from '../verify-quote-command';
import type { FeePrices } from './economics';
import { describeEstimate, type Estimate, estimateDay } from './estimate';
import { ProviderError } from './errors';
import { type Income, readIncome } from './income';
import { type Measured, measureConfigured } from './measure-engine';
import { type MarketNode, readMarket } from './market';
import { type NodeCommandOptions, type NodeContext, openNodeContext } from './node-context';

export interface EarningsOptions extends NodeCommandOptions {
    estimate?: boolean;
    measure?: boolean;
    model?: string;
    tokensPerSecond?: string;
    utilisation?: string;
    inputRatio: string;
    fees?: string;
}

/** `cocoon node earnings`. */
export async function runEarnings(options: EarningsOptions, clock: Clock = systemClock): Promise<CommandResult> {
    const context = await openNodeContext(options, clock);
    const income = await readIncome(context);
    const tally = readEarningsTally(context.files.tally);
    const estimated = options.estimate || options.measure ? await estimateFor(context, income, options) : null;
    if (options.json) {
        const { byDay, ...sums } = income;
        const days = [...byDay].map(([day, row]) => ({ day, ...row }));
        return { output: JSON.stringify({ ...sums, days, models: tally, ...estimated }, bigintsAsText), exitCode: 0 };
    }
    const estimate = estimated === null ? [] : ['', ...describeEstimate(estimated.estimate, estimated.assumptions)];
    return { output: [...describeIncome(income, tally), ...estimate].join('\n'), exitCode: 0 };
}

function bigintsAsText(_key: string, value: unknown): unknown {
    return typeof value === 'bigint' ? value.toString() : value;
}

function describeIncome(income: Income, tally: readonly TallyRow[]): string[] {
    const row = (name: string, amountNano: bigint, note: string) =>
        `  ${name.padEnd(12)} ${formatTon(amountNano).padStart(16)}  ${note}`;
    return [
        'TON, before the hub’s fee unless it says otherwise',
        row('signed', income.signedNano, 'all receipts of this node’s log'),
        row('settled', income.settledNano, 'paid by escrows in their present epoch'),
        row('outstanding', income.outstandingNano, 'signed, not yet settled'),
        row('past', income.pastNano, 'of escrows that have closed since: settled before, or lost'),
        row('lost', income.lostNano, 'can no longer be settled: key or session is over, or the escrow was short'),
        row(
            'claimable',
            income.claimableNano,
            `at the hub now, of all your nodes, after its fee of ${income.feeBps / 100} %: claim`,
        ),
        '',
        'UTC day      requests               TON',
        ...[...income.byDay].flatMap(([day, sums]) => [
            `${day}  ${String(sums.requests).padStart(9)}  ${formatTon(sums.signedNano).padStart(16)}`,
            ...tally
                .filter((entry) => entry.day === day)
                .map(
                    (entry) =>
                        `  ${entry.model.padEnd(9)}  ${String(entry.requests).padStart(8)}  ${formatTon(entry.costNano).padStart(16)}`,
                ),
        ]),
    ];
}

/** Where nothing better is known: what one place of a middling model on a current GPU gives. */
const assumedTokensPerPlace = 20;

async function estimateFor(
    context: NodeContext,
    { feeBps }: Income,
    options: EarningsOptions,
): Promise<{ estimate: Estimate; assumptions: string[]; measured: Measured | null }> {
    const { config, deployment, clock, status } = context;
    const market = await readMarket(config.dispatcherUrl, { network: deployment.registry.hash, nowSec: nowSec(clock) });
    const model = options.model ?? modelOf(context, market);
    const prices = pricesOf(context, market, model);
    const rivals = market.filter(({ offer, nodeKey }) => nodeKey !== status?.nodeKey && offersModel(offer, model));
    const places = config.engine.maxConcurrency;
    const told = number('--tokens-per-second', options.tokensPerSecond, 1e7);
    if (options.measure && told !== undefined)
        throw new ProviderError('argument_invalid', 'give --measure or --tokens-per-second, not both');
    const utilisation = number('--utilisation', options.utilisation, 1) ?? liveUtilisation(market, model);
    const inputRatio = number('--input-ratio', options.inputRatio, 1e4)!;
    const fees = feesOf(options.fees, deployment.kind);
    const snp = config.tee.kind.includes('snp');
    const { keyLifeSec } = config;
    // Last: what else is wrong shows before the engine is kept busy.
    const onProgress = options.json ? undefined : (line: string) => process.stderr.write(`${line}\n`);
    const measured = options.measure ? await measureConfigured(context, { model, onProgress }) : null;
    const tokensPerSecond = measured?.tokensPerSecond ?? told ?? places * assumedTokensPerPlace;
    const estimate = estimateDay({
        model,
        prices,
        tokensPerSecond,
        utilisation,
        inputRatio,
        feeBps,
        keyLifeSec,
        snp,
        fees,
    });
    const assumptions = [
        `${model} at ${formatTon(prices.inputNano)} in and ${formatTon(prices.outputNano)} out, TON a million tokens${rivalText(rivals, model)}`,
        `${tokensPerSecond} output tokens a second when full${rateNote({ measured, told, places, running: context.running })}`,
        `full for ${(utilisation * 100).toFixed(1)} % of the day${options.utilisation === undefined ? ' (what this dispatcher’s nodes of the model are at this moment; it changes by the hour)' : ''}`,
        `${inputRatio} input tokens for each output token, none cached`,
        `chain messages at ${fees} prices, attested every ${keyLifeSec / 2 / 3600} hours, none failing; bond and power not counted`,
    ];
    return { estimate, assumptions, measured };
}

function rateNote(of: {
    measured: Measured | null;
    told: number | undefined;
    places: number;
    running: boolean;
}): string {
    const { measured, told, places, running } = of;
    if (measured !== null) {
        const beside = running ? ', beside what the running node served' : '';
        return ` (measured: ${measured.outputTokens} tokens in ${measured.answers} answers, ${measured.places} at once, ${(measured.tookMs / 1_000).toFixed(1)} s${beside})`;
    }
    if (told !== undefined) return '';
    return ` (a guess: ${assumedTokensPerPlace} for each of ${places} places; --measure measures the engine)`;
}

function offersModel(offer: MarketNode['offer'], model: string): boolean {
    return offer.models.some((terms) => terms.model === model);
}

function modelOf({ status }: NodeContext, market: readonly MarketNode[]): string {
    const own = market.find(({ nodeKey }) => nodeKey === status?.nodeKey)?.offer.models[0]?.model;
    const model = own ?? status?.engine?.models[0]?.id;
    if (model !== undefined) return model;
    throw new ProviderError(
        'argument_invalid',
        'no node has run with this configuration yet: name the model with --model',
    );
}

/** As listed, else as they would be from the next start. */
function pricesOf({ status, files, config }: NodeContext, market: readonly MarketNode[], model: string): ModelPrices {
    const listed = market
        .find(({ nodeKey }) => nodeKey === status?.nodeKey)
        ?.offer.models.find((terms) => terms.model === model);
    return listed ?? readPricesFile(files.prices).get(model) ?? config.prices;
}

function liveUtilisation(market: readonly MarketNode[], model: string): number {
    const nodes = market.filter(({ offer }) => offersModel(offer, model));
    const places = nodes.reduce((sum, { load }) => sum + load.maxConcurrency, 0);
    if (places === 0)
        throw new ProviderError(
            'argument_invalid',
            `no node of this dispatcher offers ${model} now: pass --utilisation`,
        );
    const taken = nodes.reduce((sum, { load }) => sum + Math.min(load.inFlight + load.queued, load.maxConcurrency), 0);
    return taken / places;
}

function rivalText(rivals: readonly MarketNode[], model: string): string {
    const asked = rivals
        .flatMap(({ offer }) => offer.models.filter((terms) => terms.model === model))
        .map(({ outputNano }) => outputNano);
    if (asked.length === 0) return '; nobody else offers it here';
    const sorted = asked.sort((a, b) => (a < b ? -1 : 1));
    return `; ${sorted.length} other(s) ask ${formatTon(sorted[0]!)} to ${formatTon(sorted.at(-1)!)} out`;
}

function number(name: string, text: string | undefined, max: number): number | undefined {
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value <= max) return value;
    throw new ProviderError('argument_invalid', `${name} must be a number from 0 to ${max}`);
}

function feesOf(given: string | undefined, kind: 'production' | 'development'): FeePrices {
    if (given === undefined) return kind === 'production' ? 'mainnet-2026' : 'sandbox';
    if (given === 'sandbox' || given === 'mainnet-2026') return given;
    throw new ProviderError('argument_invalid', '--fees must be sandbox or mainnet-2026');
}
