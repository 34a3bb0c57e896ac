import { Address, beginCell, Cell, toNano } from '@ton/core';
import { SendMessageResult } from '@ton/sandbox';
import { storeRecordKey } from '../../../build/Provider/Provider_Provider';
import { authorizationCell, authorizationDigest, Provider } from '../../../wrappers';
import { uint256 } from '../../../wrappers/uint256';
import { budget, createBlockchain } from '../../support/fee-config';
import { watchMoney } from './conservation';
import { TestKey, testKey } from './ed25519';

export const startTime = 1_900_000_000;
export const day = 86_400;
export const minBondNano = toNano('10');

export interface RecordOptions {
    nodeKey?: Buffer;
    notAfter?: number;
    bundleHash?: Buffer;
    imageId?: Buffer;
    modelRoot?: Buffer;
    platformId?: Buffer;
    suite?: number;
    minBondNano?: bigint;
    /** null: an empty authorisation, so that the owner's message must have authorised the bundle */
    signer?: TestKey | null;
    /** instead of a signature by `signer` */
    authorization?: Cell;
    /** what the signature is about, when not what it should be */
    signedNetwork?: Buffer;
    signedProvider?: Buffer;
    signedBundleHash?: Buffer;
    valueNano?: bigint;
    from?: 'registry' | 'stranger';
}

export type ProviderEnvironment = Awaited<ReturnType<typeof createProvider>>;

/** A provider under a registry that the test plays itself, with bond for three keys. */
export async function createProvider(options: { bondNano?: bigint } = {}) {
    const blockchain = await createBlockchain();
    blockchain.now = startTime;
    const [registry, owner, stranger, registrar, hub] = [
        await blockchain.treasury('registry'),
        await blockchain.treasury('owner'),
        await blockchain.treasury('stranger'),
        await blockchain.treasury('registrar'),
        await blockchain.treasury('hub'),
    ] as const;
    const operator = testKey('operator');
    const provider = blockchain.openContract(
        await Provider.createFromConfig({ registry: registry.address, owner: owner.address }),
    );
    const money = await watchMoney(blockchain);
    await provider.sendCreate(owner.getSender(), { operatorKey: operator.publicKey });
    const bondNano = options.bondNano ?? 3n * minBondNano + toNano('0.05');
    if (bondNano > 0n) await provider.sendBond(stranger.getSender(), { valueNano: bondNano });

    function authorization(record: RecordOptions, bundleHash: Buffer): Cell {
        if (record.authorization !== undefined) return record.authorization;
        if (record.signer === null) return authorizationCell();
        const digest = authorizationDigest({
            network: record.signedNetwork ?? registry.address.hash,
            provider: record.signedProvider ?? provider.address.hash,
            bundleHash: record.signedBundleHash ?? bundleHash,
        });
        return authorizationCell((record.signer ?? operator).sign(digest));
    }

    /** RecordKey, as the registry would send it. */
    async function record(recordOptions: RecordOptions = {}): Promise<SendMessageResult> {
        const bundleHash = recordOptions.bundleHash ?? Buffer.alloc(32, 0xb1);
        const body = beginCell().store(
            storeRecordKey({
                $$type: 'RecordKey',
                queryId: 5n,
                ticket: 9n,
                nodeKey: uint256('nodeKey', recordOptions.nodeKey ?? testKey('node 0').publicKey),
                suite: BigInt(recordOptions.suite ?? 1),
                notAfter: BigInt(recordOptions.notAfter ?? blockchain.now! + 3 * day),
                minBond: recordOptions.minBondNano ?? minBondNano,
                responseTo: registrar.address,
                bundleHash: uint256('bundleHash', bundleHash),
                imageId: uint256('imageId', recordOptions.imageId ?? Buffer.alloc(32, 0x11)),
                modelRoot: uint256('modelRoot', recordOptions.modelRoot ?? Buffer.alloc(32, 0x22)),
                platformId: uint256('platformId', recordOptions.platformId ?? Buffer.alloc(32, 0x33)),
                authorization: authorization(recordOptions, bundleHash),
            }),
        );
        const from = recordOptions.from === 'stranger' ? stranger : registry;
        const value = recordOptions.valueNano ?? budget(toNano('0.5'));
        return from.send({ to: provider.address, value, body: body.endCell(), bounce: true });
    }

    return {
        blockchain,
        registry,
        owner,
        stranger,
        registrar,
        hub,
        operator,
        provider,
        record,
        money,
        pass(seconds: number) {
            blockchain.now = blockchain.now! + seconds;
        },
        async balanceOf(address: Address) {
            return (await blockchain.getContract(address)).balance;
        },
    };
}

export function nodeKey(index: number): Buffer {
    return testKey(`node ${index}`).publicKey;
}

export function bundle(index: number): Buffer {
    const hash = Buffer.alloc(32, 0xb0);
    hash.writeUInt32BE(index, 0);
    return hash;
}
