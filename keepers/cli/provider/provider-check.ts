import { formatTon } from '../../base';
import { walletKeyFromSeed, ChainWallet } from '../../chain';
import { signerFromSeed } from '../../confidential';
import { readSeedFile } from '../../config';
import { type Check, type CheckResult, fail, ok, warn } from './check';
import { isoTime } from './iso-time';

/** Provider contract: there, operated by this key, and bonded for one more key, which each start of a node makes. */
export const checkProvider: Check = async ({ config, reader, client }) => {
    const state = await reader.provider(config.provider, { refresh: true });
    if (state === null)
        return [
            fail(
                'provider',
                `there is no provider contract at ${config.provider}`,
                'create it with the create-provider script, then bond',
            ),
        ];
    const results: CheckResult[] = [];
    const operator = signerFromSeed(readSeedFile(config.operatorKeyFile)).publicKey;
    results.push(
        state.operatorKey?.equals(operator) === true
            ? ok('provider', `${config.provider}, ${state.liveKeys} live key(s), operated by ${config.operatorKeyFile}`)
            : fail(
                  'provider',
                  'the contract names another operator key',
                  'run create-provider with the public key of operatorKeyFile, or point operatorKeyFile at the right key',
              ),
    );
    const registry = await reader.registry();
    if (registry === null) return results;
    const snp = config.tee.kind === 'snp' || config.tee.kind === 'simulated-snp';
    const eachNano = snp ? registry.minClientVerifiedBondNano : registry.minBondNano;
    const freeNano = state.bondNano - state.requiredBondNano;
    const nowSec = await client.getChainTimeSec();
    const told = [
        `${formatTon(state.bondNano)} TON, ${formatTon(state.requiredBondNano)} held by keys, ${formatTon(eachNano)} for each new key`,
        ...(state.unbondingNano === 0n
            ? []
            : [`${formatTon(state.unbondingNano)} unbonding until ${isoTime(state.withdrawableAt ?? nowSec)}`]),
    ].join('; ');
    const withdrawable = state.withdrawableAt !== null && state.withdrawableAt <= nowSec;
    if (freeNano < eachNano) {
        const missing = formatTon(eachNano - freeNano);
        const next = `bond ${missing} TON more before the next start: every start makes a new key (a key holds its share until two days after its end)`;
        results.push(state.liveKeys === 0 ? fail('bond', told, next) : warn('bond', told, next));
    } else if (withdrawable) results.push(warn('bond', told, 'the unbonded part can be withdrawn now: withdraw-bond'));
    else results.push(ok('bond', told));
    return results;
};

/** The running node's key at its hub. */
export const checkAdmission: Check = async ({ config, reader, client, status, running, configFile }) => {
    if (!running || status?.nodeKey == null) {
        const next = `start it: cocoon node --config ${configFile}; it registers and asks for admission itself`;
        return [warn('admission', 'no node runs with this configuration, so there is no key to admit', next)];
    }
    const key = Buffer.from(status.nodeKey, 'hex');
    const [recorded, admitted] = [
        await reader.providerKey(config.provider, key, { refresh: true }),
        await reader.node(config.hub, key, { refresh: true }),
    ];
    const nowSec = await client.getChainTimeSec();
    const restart = 'restart the node: it makes a new key and registers it';
    if (recorded === null) return [fail('admission', 'the provider contract does not know the key', restart)];
    if (recorded.isSlashed)
        return [
            fail(
                'admission',
                'the key contradicted itself and was slashed',
                'find out why before anything else (two nodes with one key?), then restart',
            ),
        ];
    if (recorded.revokedAt !== null)
        return [
            fail(
                'admission',
                `the key was revoked at ${isoTime(recorded.revokedAt)}`,
                `its image, model or platform is no longer trusted, or you revoked it: see registry; then ${restart}`,
            ),
        ];
    if (admitted === null)
        return [fail('admission', 'the hub has not admitted the key', 'run admit-node for this hub')];
    if (admitted.notAfter <= nowSec)
        return [
            fail(
                'admission',
                `the hub’s admission ended at ${isoTime(admitted.notAfter)}`,
                'see collateral and gas: attesting again failed; the node’s log says why',
            ),
        ];
    const leftSec = admitted.notAfter - nowSec;
    const told = `key ${status.nodeKey.slice(0, 16)}… until ${isoTime(admitted.notAfter)}, its receipts settle until ${isoTime(admitted.settlesUntil)}`;
    if (leftSec >= config.keyLifeSec / 4) return [ok('admission', told)];
    return [warn('admission', told, 'attesting again is overdue: see collateral and gas; the node’s log says why')];
};

/** A registration attaches about this much and gets most of it back; below it, it can't be sent. */
const registrationNano = 1_500_000_000n;

export const checkGas: Check = async ({ config, client }) => {
    const key = walletKeyFromSeed(readSeedFile(config.gasWalletFile));
    const { address } = new ChainWallet({ client, key, kind: config.gasWalletKind });
    const balanceNano = await client.getBalanceNano(address);
    const told = `${formatTon(balanceNano)} TON at ${address}`;
    if (balanceNano >= registrationNano * 2n) return [ok('gas', told)];
    const next = `send ${formatTon(registrationNano * 2n - balanceNano)} TON or more to it: registering attaches up to ${formatTon(registrationNano)}, most of which comes back`;
    return [balanceNano < registrationNano ? fail('gas', told, next) : warn('gas', told, next)];
};
