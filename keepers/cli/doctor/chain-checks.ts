import type { Address } from '@ton/core';
import { chainClientOf, ChainWallet, NetworkReader, walletKeyFromSeed } from '../../chain';
import { formatTon, nowSec } from '../../base';
import { readSeedFile } from '../../config';
import { maxSettlementLines, Payout, QuoteVerifier } from '../../../wrappers';
import { type Check, type CheckResult, fail, ok, warn } from '../provider/check';
import { isoTime } from '../provider/iso-time';
import type { DoctorContext } from './doctor-context';

const maxClockSkewSec = 30;

/** What one endpoint makes of the network is what every other makes of it, or one of them lies or lags. */
export const checkAgreement: Check<DoctorContext> = async ({ config, deployment }) => {
    const { endpoints } = config.chain;
    if (endpoints.length < 2)
        return [
            warn(
                'agreement',
                'there is one endpoint: what it says cannot be held against another',
                'name a second one of another operator in chain.endpoints',
            ),
        ];
    const versions = await Promise.all(
        endpoints.map(async (endpoint) => {
            const client = chainClientOf({ ...config.chain, endpoints: [endpoint] });
            const registry = await new NetworkReader({ client, registry: deployment.registry }).registry();
            const url = typeof endpoint === 'string' ? endpoint : endpoint.url;
            return [new URL(url).host, registry?.version ?? 'none'] as const;
        }),
    );
    const told = versions.map(([host, version]) => `${host}: registry version ${version}`).join('; ');
    if (new Set(versions.map(([, version]) => version)).size === 1) return [ok('agreement', told)];
    return [fail('agreement', told, 'ask again in a minute; if they still differ, leave out the one that is wrong')];
};

export const checkClock: Check<DoctorContext> = async ({ client, clock }) => {
    const skewSec = nowSec(clock) - (await client.getChainTimeSec());
    const told = `${skewSec} s from the chain`;
    if (Math.abs(skewSec) <= maxClockSkewSec) return [ok('clock', told)];
    const next = 'synchronise it (chrony or systemd-timesyncd): keys and deadlines are dated by it';
    return [fail('clock', told, next)];
};

/** The hub's terms, as the chain has them and as the file says. */
export const checkHub: Check<DoctorContext> = async ({ config, deployment, reader }) => {
    if (!('hub' in config)) return [];
    const state = await reader.hub(config.hub, { refresh: true });
    if (state === null)
        return [fail('hub', `${config.hub} is no hub of this network`, 'check hub and chain.endpoints')];
    const known = deployment.hubs.find(({ address }) => address.equals(config.hub));
    const told = `fee ${state.feeBps / 100} %, close delay ${state.closeDelaySec} s, ${state.nodeCount} node(s) admitted`;
    const next = state.nextFee;
    if (known !== undefined && known.closeDelaySec !== state.closeDelaySec)
        return [fail('hub', `${told}; the deployment file says another close delay`, 'get the deployment file anew')];
    if (next === null) return [ok('hub', told)];
    return [
        warn(
            'hub',
            `${told}; the fee becomes ${next.feeBps / 100} % at ${isoTime(next.effectiveAt)}`,
            'nothing to do but to know it: clients and providers see it too',
        ),
    ];
};

/** The wallet that pays gas, against what the role's dearest act asks for. */
export const checkWallet: Check<DoctorContext> = async (context) => {
    const { config, client } = context;
    if (!('gasWalletFile' in config)) return [];
    const key = walletKeyFromSeed(readSeedFile(config.gasWalletFile));
    const wallet = new ChainWallet({ client, key, kind: config.gasWalletKind });
    const { address } = wallet;
    const balanceNano = await client.getBalanceNano(address);
    const actNano = (await dearestActNano(context)) + wallet.marginNano(1);
    const told = `${formatTon(balanceNano)} TON at ${address}; one act attaches up to ${formatTon(actNano)}, most of which comes back`;
    if (balanceNano >= actNano * 2n) return [ok('gas', told)];
    const next = `send ${formatTon(actNano * 2n - balanceNano)} TON or more to it`;
    return [balanceNano < actNano ? fail('gas', told, next) : warn('gas', told, next)];
};

/** Posting a piece of collateral attaches about this much. */
const postingNano = 1_000_000_000n;
/** Registering a key does. */
const registrationNano = 1_500_000_000n;

async function dearestActNano({ config, client }: DoctorContext): Promise<bigint> {
    if (config.role === 'registrar') return postingNano;
    if (config.role === 'node') return registrationNano;
    return client.open(Payout.createFromAddress(hubOf(config))).getSettleFee(maxSettlementLines);
}

function hubOf(config: DoctorContext['config']): Address {
    if ('hub' in config) return config.hub;
    throw new Error('this role has no hub');
}

/** Of the registrar's families: what the chain holds, and until when. */
export const checkCollateral: Check<DoctorContext> = async ({ config, deployment, client }) => {
    if (config.role !== 'registrar' || deployment.quoteVerifier === null) return [];
    const held = await client.open(QuoteVerifier.createFromAddress(deployment.quoteVerifier)).getCollateral();
    const nowMs = (await client.getChainTimeSec()) * 1000;
    return config.families.map(({ fmspc }): CheckResult => {
        const family = fmspc.toString('hex');
        const infos = held.tcbInfos
            .filter((one) => one.fmspc.equals(fmspc))
            .map(({ expiresAt }) => expiresAt.getTime());
        const next = 'start the registrar; its log says what it cannot fetch or post';
        if (infos.length === 0) return fail('collateral', `the chain holds none of the family ${family}`, next);
        const lists = held.revocationLists.map(({ expiresAt }) => expiresAt.getTime());
        const endMs = Math.min(Math.max(...infos), ...lists);
        const told = `family ${family}, in force until ${new Date(endMs).toISOString()}`;
        if (endMs <= nowMs) return fail('collateral', told, next);
        return endMs - nowMs < config.alarmBeforeSec * 1000 ? warn('collateral', told, next) : ok('collateral', told);
    });
};
