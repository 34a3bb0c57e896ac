import { formatTon } from '../../base';
import { nanoAsNumber, pulledGauge } from '../instruments';
import { Sampler } from '../sampler';
import type { RoleTelemetry } from '../telemetry';

export interface WatchedWallet {
    readonly address: { toString(): string };
    getBalanceNano(): Promise<bigint>;
}

/** Often enough for an alert, rare enough for an endpoint that takes one request a second. */
const intervalMs = 60_000;

/** The gas wallet of a role: shown, and a warning while it holds too little. What needs no message goes on without gas. */
export function watchGasWallet(telemetry: RoleTelemetry, wallet: WatchedWallet, lowNano: bigint): void {
    const balance = telemetry.addSampler(
        new Sampler({ read: () => wallet.getBalanceNano(), intervalMs, staleAfterMs: 10 * intervalMs }),
    );
    pulledGauge(telemetry.registry, 'cocoon_gas_wallet_balance_nanoton', 'What the role pays gas from', () =>
        nanoAsNumber(balance.value),
    );
    pulledGauge(telemetry.registry, 'cocoon_gas_wallet_low_nanoton', 'Below this the role may not be able to act', () =>
        nanoAsNumber(lowNano),
    );
    telemetry.readiness.addWarning('gas_low', () =>
        balance.value !== undefined && balance.value < lowNano
            ? `${wallet.address.toString()} holds ${formatTon(balance.value)} TON, less than ${formatTon(lowNano)}: top it up`
            : null,
    );
    telemetry.addStatus('gasWallet', () => ({
        address: wallet.address.toString(),
        balanceNano: balance.value?.toString() ?? null,
        lowNano: lowNano.toString(),
        problem: balance.problem,
    }));
}
