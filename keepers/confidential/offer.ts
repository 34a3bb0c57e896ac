import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { misuse } from './errors';
import { requireCurrent } from './kem-certificate';
import { type ModelPrices } from './pricing';
import { type Signer } from './signing';
import {
    checkStatementOwner,
    readStatement,
    type SignedStatement,
    signStatement,
    type StatementExpectation,
    verifyStatement,
} from './statement';

/** One model of an offer. Its place in the list is the `model_index` of usages. */
export interface OfferModel extends ModelPrices {
    model: string;
    /** the root that the network's registry lists, 32 bytes */
    modelRoot: Buffer;
    /** tokens of prompt and completion together */
    contextLength: number;
    /** "chat.completions", "completions", "embeddings", or a path family that the engine adds */
    capabilities: string[];
}

/** What a node asks for its work, under its attested key and for a short time. */
export interface OfferFields {
    network: Buffer;
    nodeKey: Buffer;
    issuedAtSec: number;
    expiresAtSec: number;
    maxConcurrency: number;
    models: OfferModel[];
}

export interface Offer extends OfferFields {
    /** SHA-256 of the statement: the `offer_hash` of requests and receipts */
    hash: Buffer;
    /** as it travels: b32(statement) | signature */
    signed: Buffer;
}

const version = 1;
const capabilityPattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;
// Names are shown and logged: no control characters.
const modelPattern = /^[^\p{Cc}]+$/u;

export function encodeOffer(fields: OfferFields): Buffer {
    const problem = problemOf(fields);
    if (problem) throw misuse(`offer: ${problem}`);
    const writer = new ByteWriter()
        .tag('COfr')
        .u8('version', version)
        .fixed('network', fields.network, 32)
        .fixed('nodeKey', fields.nodeKey, 32)
        .u32('issuedAtSec', fields.issuedAtSec)
        .u32('expiresAtSec', fields.expiresAtSec)
        .u16('maxConcurrency', fields.maxConcurrency)
        .u8('number of models', fields.models.length);
    for (const model of fields.models) writeModel(writer, model);
    return writer.finish();
}

function writeModel(writer: ByteWriter, model: OfferModel): void {
    writer
        .str8('model', model.model)
        .fixed('modelRoot', model.modelRoot, 32)
        .u32('contextLength', model.contextLength)
        .u64('inputNano', model.inputNano)
        .u64('cachedInputNano', model.cachedInputNano)
        .u64('outputNano', model.outputNano)
        .u64('reasoningNano', model.reasoningNano)
        .u8('number of capabilities', model.capabilities.length);
    for (const capability of model.capabilities) writer.str8('capability', capability);
}

export function decodeOffer(statement: Buffer): OfferFields {
    const reader = new ByteReader(statement, 'statement_malformed', 'offer');
    reader.tag('COfr');
    if (reader.u8() !== version) reader.fail('unknown version');
    const fields: OfferFields = {
        network: reader.fixed(32),
        nodeKey: reader.fixed(32),
        issuedAtSec: reader.u32(),
        expiresAtSec: reader.u32(),
        maxConcurrency: reader.u16(),
        models: Array.from({ length: reader.u8() }, () => readModel(reader)),
    };
    reader.end();
    const problem = problemOf(fields);
    if (problem) reader.fail(problem);
    return fields;
}

function readModel(reader: ByteReader): OfferModel {
    return {
        model: reader.str8(),
        modelRoot: reader.fixed(32),
        contextLength: reader.u32(),
        inputNano: reader.u64(),
        cachedInputNano: reader.u64(),
        outputNano: reader.u64(),
        reasoningNano: reader.u64(),
        capabilities: Array.from({ length: reader.u8() }, () => reader.str8()),
    };
}

/** The same rules for what we sign and what we read. */
function problemOf(fields: OfferFields): string | undefined {
    if (fields.issuedAtSec >= fields.expiresAtSec) return 'expires before it is issued';
    if (fields.maxConcurrency < 1) return 'no concurrency is offered';
    if (fields.models.length < 1) return 'no model is offered';
    const names = fields.models.map((model) => model.model);
    if (new Set(names).size !== names.length) return 'a model is named twice';
    for (const model of fields.models) {
        if (!modelPattern.test(model.model)) return 'a model has no printable name';
        if (model.contextLength < 1) return 'a model has no context';
        if (new Set(model.capabilities).size !== model.capabilities.length) return 'a capability is named twice';
        if (!model.capabilities.every((capability) => capabilityPattern.test(capability))) return 'odd capability';
    }
    return undefined;
}

export function issueOffer(fields: Omit<OfferFields, 'nodeKey'>, signer: Signer): Offer {
    const signed = signStatement(encodeOffer({ ...fields, nodeKey: signer.publicKey }), signer);
    return fromStatement(readStatement(signed), signed);
}

/** The offer, when the node that is expected signed it for this network and it has not expired. */
export function verifyOffer(signed: Buffer, expected: StatementExpectation): Offer {
    return currentOf(verifyStatement(signed, expected.nodeKey), signed, expected);
}

function currentOf(statement: SignedStatement, signed: Buffer, expected: StatementExpectation): Offer {
    const offer = fromStatement(statement, signed);
    checkStatementOwner(offer, expected);
    requireCurrent('the offer', { fromSec: offer.issuedAtSec, untilSec: offer.expiresAtSec }, expected.nowSec);
    return offer;
}

function fromStatement({ statement, hash }: SignedStatement, signed: Buffer): Offer {
    return { ...decodeOffer(statement), hash, signed: Buffer.from(signed) };
}

/** Place and terms of a model in an offer, when the node offers it. */
export function findModel(offer: OfferFields, model: string): { index: number; terms: OfferModel } | undefined {
    const index = offer.models.findIndex((candidate) => candidate.model === model);
    return index < 0 ? undefined : { index, terms: offer.models[index]! };
}
