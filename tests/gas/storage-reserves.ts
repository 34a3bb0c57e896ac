import { readFileSync } from 'node:fs';
import path from 'node:path';
import { withFees } from '../support/fee-config';
import { createSettlement } from '../contracts/support/settlement-environment';
import { createNetwork } from './scenarios/network';

/** What an account of this kind keeps for its storage, nanoTON, while it holds no entries but the scenario's few. */
export interface StorageReserve {
    years: number;
    sandboxNano: number;
    mainnetNano: number;
}

const yearsIn = {
    escrow: ['escrow.tact', 'escrowReserveYears'],
    hub: ['payout.tact', 'hubReserveYears'],
    provider: ['provider.tact', 'reserveYears'],
    registry: ['registry.tact', 'registryReserveYears'],
    verifier: ['attestation/quote-verifier.tact', 'verifierReserveYears'],
} as const;

type Account = keyof typeof yearsIn;

export async function measureReserves(): Promise<Record<Account, StorageReserve>> {
    const sandbox = await withFees('sandbox', reserves);
    const mainnet = await withFees('mainnet', reserves);
    const accounts = Object.keys(yearsIn) as Account[];
    const rows = accounts.map((account) => {
        const [sandboxNano, mainnetNano] = [Number(sandbox[account]), Number(mainnet[account])];
        return [account, { years: yearsOf(account), sandboxNano, mainnetNano }] as const;
    });
    return Object.fromEntries(rows) as Record<Account, StorageReserve>;
}

async function reserves(): Promise<Record<Account, bigint>> {
    const { blockchain, hub, provider, registry, verifier } = await createNetwork();
    const { escrow } = await createSettlement();
    return {
        escrow: (await escrow.getState()).storageReserveNano,
        hub: (await hub.getState()).storageReserveNano,
        provider: (await provider.getState()).storageReserveNano,
        registry: (await registry.getState()).storageReserveNano,
        // Deployment leaves exactly the reserve.
        verifier: (await blockchain.getContract(verifier.address)).balance,
    };
}

/** The contract's own constant. */
function yearsOf(account: Account): number {
    const [file, constant] = yearsIn[account];
    const source = readFileSync(path.join(__dirname, '../../contracts', file), 'utf8');
    const years = new RegExp(`const ${constant}: Int = (\\d+);`).exec(source);
    if (years === null) throw new Error(`${file} has no ${constant}`);
    return Number(years[1]);
}
