import type { Address } from '@ton/core';
import { request } from 'undici';
import { errorMessage, formatTon } from '../../base';
import { signerFromSeed } from '../../confidential';
import { readSeedFile } from '../../config';
import { Escrow } from '../../../wrappers';
import { type Check, type CheckResult, fail, ok, warn } from '../provider/check';
import { isoTime } from '../provider/iso-time';
import type { DoctorContext } from './doctor-context';

const soonSec = 3 * 86_400;

/** Everyone that the role dials. */
export const checkPeers: Check<DoctorContext> = async ({ config }) => {
    const places: [what: string, url: string, path: string][] = [];
    if (config.role === 'gateway') {
        for (const { url } of config.dispatchers) places.push(['dispatcher', url, '/v1/info']);
        places.push(['collateral', config.collateral.url, '/']);
    }
    if (config.role === 'registrar') places.push(['collateral', config.collateral.url, '/']);
    return Promise.all(places.map((place) => checkPeer(...place)));
};

/** Any answer shows that it is there; of a dispatcher it must be the right one. */
async function checkPeer(what: string, url: string, path: string): Promise<CheckResult> {
    const { host } = new URL(url);
    try {
        const { statusCode, body } = await request(new URL(path, url), { signal: AbortSignal.timeout(10_000) });
        await body.dump();
        if (what !== 'dispatcher' || statusCode === 200) return ok(what, `${host} answers`);
        return fail(what, `${host} answers ${statusCode}: it is no dispatcher`, 'check the url in dispatchers');
    } catch (error) {
        return fail(what, `${host}: ${errorMessage(error)}`, 'check the url, the network and that it runs');
    }
}

/** The client's escrow at each dispatcher's hub: open, honouring this gateway's session key, with money in it. */
export const checkEscrows: Check<DoctorContext> = async (context) => {
    const { config } = context;
    if (config.role !== 'gateway') return [];
    const hubs = new Map(config.dispatchers.map(({ hub }) => [hub.toRawString(), hub]));
    if (hubs.size === 0) return [ok('escrow', 'no dispatcher is named: hubs of the registry’s list are used')];
    return Promise.all([...hubs.values()].map((hub) => checkEscrow(context, hub)));
};

async function checkEscrow({ config, deployment, client, reader }: DoctorContext, hub: Address): Promise<CheckResult> {
    if (config.role !== 'gateway') throw new Error('only a gateway has an escrow');
    const state = await reader.hub(hub, { refresh: true });
    if (state === null) return fail('escrow', `${hub} is no hub of this network`, 'check dispatchers');
    const { address } = await Escrow.createFromConfig({
        hub,
        network: deployment.registry.hash,
        client: config.client,
        index: config.escrowIndex,
        closeDelaySec: state.closeDelaySec,
    });
    const open = 'open it with the open-escrow script';
    if (!(await client.isDeployed(address))) return fail('escrow', `there is none at hub ${hub}`, open);
    const escrow = await client.open(Escrow.createFromAddress(address)).getState();
    if (escrow.phase !== 'open') return fail('escrow', `${address} is ${escrow.phase}`, open);
    const session = signerFromSeed(readSeedFile(config.sessionKeyFile)).publicKey;
    const renew = `run set-session with the public key ${session.toString('hex')}`;
    if (!escrow.sessionKey.equals(session))
        return fail('escrow', `${address} names another session key than sessionKeyFile`, renew);
    const told = `${formatTon(escrow.balanceNano)} TON at ${address}, session key until ${isoTime(escrow.sessionExpiresAt)}`;
    const leftSec = escrow.sessionExpiresAt - (await client.getChainTimeSec());
    if (leftSec <= 0) return fail('escrow', told, renew);
    if (escrow.balanceNano === 0n) return fail('escrow', told, 'top it up: top-up');
    return leftSec < soonSec ? warn('escrow', told, renew) : ok('escrow', told);
}
