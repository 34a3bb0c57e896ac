import {
    Address,
    Cell,
    Contract,
    ContractProvider,
    Sender,
    SendMode,
    StateInit,
    beginCell,
    contractAddress,
    toNano,
} from '@ton/core';
import {
    QuoteVerifier as Bindings,
    QuoteVerifier_errors,
    storePostQeIdentity,
    storePostRevocationList,
    storePostTcbInfo,
    storeVerifyQuote,
} from '../build/QuoteVerifier/QuoteVerifier_QuoteVerifier';
import {
    packPckRevocationList,
    packRootRevocationList,
    packSignedText,
    SignedRevocationList,
    SignedText,
} from './collateral-packer';
import { HeldCollateral, readHeldCollateral } from './held-collateral';
import { PlatformStatus, platformStatuses } from './platform-status';
import { cutQuote, packHints, packParts, packPartsOfKnownPck, pckKeyHash } from './quote-packer';
import { P256Check, P256Hints, toBytes, toInteger } from './quote-packer-p256';

/** Reasons by exit code: what a refused verification's transaction means. */
export const quoteVerifierErrors: ReadonlyMap<number, string> = new Map(
    Object.entries(QuoteVerifier_errors).map(([code, { message }]) => [Number(code), message]),
);

/** x | y of Intel's SGX root key, the only root a production verifier takes. */
export const intelRootKey = Buffer.from(
    '0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f5' +
        '67918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394',
    'hex',
);

/** Attached by default to a verification, nanoTON: covers verifier, registry and provider at the highest fees seen; the rest returns to `responseTo`. */
export const defaultVerifyValueNano = toNano('0.5');
/** Attached by default to a posting, nanoTON: gas and storage of a new entry; the rest returns. */
export const defaultPostValueNano = toNano('1');
/** Attached by default to a deployment, nanoTON: fills the storage reserve; the rest returns. */
export const defaultDeployValueNano = toNano('1');

export type PostOptions<T> = T & { valueNano?: bigint; queryId?: bigint };

export interface QuoteVerifierConfig {
    registry: Address;
    /** 1 production, 2 development */
    kind: number;
    /** x | y of the root's P-256 key, 64 bytes */
    rootKey: Buffer;
}

export interface VerifyQuoteOptions {
    /** the quote as the TEE returned it; packed here */
    quote: Buffer;
    /** evaluation data number of the collateral to judge by; see getCollateral for what the contract holds */
    evaluation: number;
    /** the key bundle whose hash is in the quote's report data */
    bundle: Cell;
    /** 64-byte signature of the operator key, or an empty cell where the owner authorised the bundle by message */
    authorization: Cell;
    /** gets the answer and the change */
    responseTo: Address;
    queryId?: bigint;
    /** nanoTON */
    valueNano?: bigint;
}

/** What the contract states about a genuine quote. */
export interface VerifiedQuote {
    /** SHA256(mrtd | rtmr0 | rtmr1 | rtmr2 | rtmr3) */
    imageId: Buffer;
    /** SHA256(PPID of the PCK certificate) */
    platformId: Buffer;
    /** report_data[0..31] */
    bundleHash: Buffer;
    /** report_data[32..63] */
    mcRootHash: Buffer;
    /** the eight bytes as they stand in the quote */
    tdAttributes: Buffer;
    /** of the platform, by Intel's rule */
    status: PlatformStatus;
    /** evaluation data number of the collateral that it was judged by */
    evaluation: number;
    /** platform family, 6 bytes */
    fmspc: Buffer;
}

/** Verifies TDX quotes on chain and tells the registry. */
export class QuoteVerifier implements Contract {
    constructor(
        readonly address: Address,
        readonly init?: StateInit,
    ) {}

    static createFromAddress(address: Address): QuoteVerifier {
        return new QuoteVerifier(address);
    }

    static async createFromConfig({ registry, kind, rootKey }: QuoteVerifierConfig): Promise<QuoteVerifier> {
        const { x, y } = splitPoint(rootKey);
        const init = await Bindings.init(registry, BigInt(kind), x, y, 0n, 0n, 0n, 0n, 0n, null, null, null, null);
        return new QuoteVerifier(contractAddress(0, init), init);
    }

    /** Deploys, or tops the storage reserve up; the rest of the value returns. */
    async sendDeploy(provider: ContractProvider, via: Sender, valueNano = defaultDeployValueNano): Promise<void> {
        await provider.internal(via, { value: valueNano, sendMode: SendMode.PAY_GAS_SEPARATELY });
    }

    /**
     * Has a quote verified and the result sent on to the registry. A refused quote bounces: the exit code's meaning is in quoteVerifierErrors.
     * @throws {QuotePackError} where the bytes can't be packed at all
     */
    async sendVerify(provider: ContractProvider, via: Sender, options: VerifyQuoteOptions): Promise<void> {
        await provider.internal(via, {
            value: options.valueNano ?? defaultVerifyValueNano,
            sendMode: SendMode.PAY_GAS_SEPARATELY,
            body: verifyQuoteBody({ ...options, packedQuote: await this.pack(provider, options.quote) }),
        });
    }

    /** TCB info of a platform family, from anyone. @throws {QuotePackError} */
    async sendPostTcbInfo(provider: ContractProvider, via: Sender, options: PostOptions<SignedText>): Promise<void> {
        const { content: text, issuer: signer } = packSignedText(options);
        const message = { $$type: 'PostTcbInfo' as const, queryId: options.queryId ?? 0n, text, signer };
        await this.post(provider, via, options, beginCell().store(storePostTcbInfo(message)).endCell());
    }

    /** Identity of the TD quoting enclave, from anyone. @throws {QuotePackError} */
    async sendPostQeIdentity(provider: ContractProvider, via: Sender, options: PostOptions<SignedText>): Promise<void> {
        const { content: text, issuer: signer } = packSignedText(options);
        const message = { $$type: 'PostQeIdentity' as const, queryId: options.queryId ?? 0n, text, signer };
        await this.post(provider, via, options, beginCell().store(storePostQeIdentity(message)).endCell());
    }

    /** A PCK CA's revocation list, from anyone; the root's must be there before. @throws {QuotePackError} */
    async sendPostPckRevocationList(
        provider: ContractProvider,
        via: Sender,
        options: PostOptions<SignedRevocationList>,
    ): Promise<void> {
        const { content: list, issuer: authority } = packPckRevocationList(options);
        const message = { $$type: 'PostRevocationList' as const, queryId: options.queryId ?? 0n, list, authority };
        await this.post(provider, via, options, beginCell().store(storePostRevocationList(message)).endCell());
    }

    /** The root's revocation list, from anyone: the first thing to post. @throws {QuotePackError} */
    async sendPostRootRevocationList(
        provider: ContractProvider,
        via: Sender,
        options: PostOptions<SignedRevocationList>,
    ): Promise<void> {
        const list = packRootRevocationList(options);
        const message = {
            $$type: 'PostRevocationList' as const,
            queryId: options.queryId ?? 0n,
            list,
            authority: null,
        };
        await this.post(provider, via, options, beginCell().store(storePostRevocationList(message)).endCell());
    }

    private async post(provider: ContractProvider, via: Sender, options: { valueNano?: bigint }, body: Cell) {
        const value = options.valueNano ?? defaultPostValueNano;
        await provider.internal(via, { value, sendMode: SendMode.PAY_GAS_SEPARATELY, body });
    }

    /** Without its certificates where the contract knows the PCK key: less than half the gas. */
    private async pack(provider: ContractProvider, quote: Buffer): Promise<Cell> {
        const parts = cutQuote(quote);
        const isKnown = await this.getIsKnownPck(provider, pckKeyHash(parts));
        return isKnown ? packPartsOfKnownPck(parts) : packParts(parts);
    }

    async getConfig(provider: ContractProvider): Promise<QuoteVerifierConfig> {
        const { registry, kind, rootKeyX, rootKeyY } = await this.bindings().getConfig(provider);
        return { registry, kind: Number(kind), rootKey: Buffer.concat([toBytes(rootKeyX, 32), toBytes(rootKeyY, 32)]) };
    }

    /** What the contract holds, with the dates until which it serves. */
    async getCollateral(provider: ContractProvider): Promise<HeldCollateral> {
        const [held, { floor }] = [
            await this.bindings().getCollateral(provider),
            await this.bindings().getConfig(provider),
        ];
        return readHeldCollateral(held, Number(floor));
    }

    /** Whether a quote may leave its certificates out (packPartsOfKnownPck). */
    async getIsKnownPck(provider: ContractProvider, keyHash: Buffer): Promise<boolean> {
        return this.bindings().getIsKnownPck(provider, toInteger(keyHash));
    }

    /** The contract's verdict on a packed quote at the chain's present time; a refusal is a failed get method with its exit code. */
    async getVerifiedQuote(provider: ContractProvider, packedQuote: Cell, evaluation: number): Promise<VerifiedQuote> {
        const verified = await this.bindings().getVerifiedQuote(provider, packedQuote, BigInt(evaluation));
        return {
            imageId: toBytes(verified.imageId, 32),
            platformId: toBytes(verified.platformId, 32),
            bundleHash: toBytes(verified.bundleHash, 32),
            mcRootHash: toBytes(verified.mcRootHash, 32),
            tdAttributes: toBytes(verified.tdAttributes, 8),
            status: platformStatuses[Number(verified.status)]!,
            evaluation: Number(verified.evaluation),
            fmspc: toBytes(verified.fmspc, 6),
        };
    }

    /** nanoTON below which a verification is refused at once; the registry and the provider need their part on top. */
    async getMinVerifyValue(provider: ContractProvider): Promise<bigint> {
        return this.bindings().getMinVerifyValue(provider);
    }

    /** One exact P-256 check by the contract's own code. */
    async getP256Valid(provider: ContractProvider, check: P256Check & { hints: P256Hints }): Promise<boolean> {
        return this.bindings().getP256Valid(
            provider,
            toInteger(check.digest),
            beginCell().storeBuffer(check.signature).endCell().asSlice(),
            beginCell().storeBuffer(check.key).endCell().asSlice(),
            packHints(check.hints).asSlice(),
        );
    }

    private bindings(): Bindings {
        return Bindings.fromAddress(this.address);
    }
}

/** The message that asks for a verification; for who sends it otherwise than through a Sender. */
export function verifyQuoteBody(
    options: Omit<VerifyQuoteOptions, 'quote' | 'valueNano'> & { packedQuote: Cell },
): Cell {
    const { bundle, authorization, responseTo, packedQuote, queryId = 0n } = options;
    const evaluation = BigInt(options.evaluation);
    const message = {
        $$type: 'VerifyQuote' as const,
        queryId,
        responseTo,
        evaluation,
        bundle,
        authorization,
        quote: packedQuote,
    };
    return beginCell().store(storeVerifyQuote(message)).endCell();
}

function splitPoint(key: Buffer): { x: bigint; y: bigint } {
    if (key.length !== 64) throw new RangeError(`root key has ${key.length} bytes, not 64`);
    return { x: toInteger(key.subarray(0, 32)), y: toInteger(key.subarray(32)) };
}
