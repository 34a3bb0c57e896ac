import { randomBytes } from 'node:crypto';
import { type AnswerBinding, type AnswerReceipt, type ReceiptAmounts, signAnswerReceipt } from './answer-receipt';
import { type AnswerError, type AnswerHead, encodeError, encodeHead } from './answer-data';
import { ConfidentialError, misuse } from './errors';
import { FrameCipher } from './frame-cipher';
import {
    dataType,
    frameHeaderBytes,
    frameKind,
    type FrameKind,
    maxFrameDataBytes,
    startPayloadBytes,
} from './frame-format';
import { type RandomSource } from './hpke';
import { type TokenUsage } from './pricing';
import { type Signer } from './signing';
import { Transcript } from './transcript';
import { encodeUsage, usageHash } from './usage';

export interface AnswerSealerOptions {
    to: AnswerBinding;
    cek: Buffer;
    /** of the offer that the request accepts */
    modelIndex: number;
    /** the node's signing key */
    signer: Signer;
    random?: RandomSource;
}

/** A receipt and the frame that carries it: log the receipt durably, then send the frame. */
export interface SealedReceipt extends AnswerReceipt {
    wire: Buffer;
}

type Stage = 'new' | 'started' | 'headed' | 'failed' | 'final';

/** The node's end of an answer. Each method gives the bytes to send next; order is enforced, nothing is sent twice. */
export class AnswerSealer {
    private readonly transcript: Transcript;
    private readonly salt: Buffer;
    private readonly fresh: Buffer;
    private readonly cipher: FrameCipher;
    private index = 0;
    private stage: Stage = 'new';

    constructor(private readonly options: AnswerSealerOptions) {
        const { to, cek, signer, random = randomBytes } = options;
        if (!signer.publicKey.equals(to.nodeKey)) throw misuse('the request is meant for another node key');
        this.transcript = new Transcript(to.requestHash);
        this.fresh = random(startPayloadBytes);
        this.salt = random(32);
        this.cipher = new FrameCipher({ cek, requestHash: to.requestHash, nodeKey: to.nodeKey, fresh: this.fresh });
    }

    start(): Buffer {
        this.expect('new');
        this.stage = 'started';
        const wire = frame(frameKind.start, startPayloadBytes);
        this.fresh.copy(wire, frameHeaderBytes);
        return this.sent(wire);
    }

    head(head: AnswerHead): Buffer {
        this.expect('started');
        const wire = this.data(dataType.head, encodeHead(head));
        this.stage = 'headed';
        return wire;
    }

    /** One frame, or as many as the data needs. */
    body(data: Buffer): Buffer {
        this.expect('headed');
        if (data.length <= maxFrameDataBytes) return this.data(dataType.body, data);
        const frames: Buffer[] = [];
        for (let offset = 0; offset < data.length; offset += maxFrameDataBytes) {
            frames.push(this.data(dataType.body, data.subarray(offset, offset + maxFrameDataBytes)));
        }
        return Buffer.concat(frames);
    }

    keepAlive(): Buffer {
        this.expect('started', 'headed');
        return this.data(dataType.keepAlive, empty);
    }

    /** Asks the gateway for the next window of the cap. */
    window(): Buffer {
        this.expect('started', 'headed');
        return this.data(dataType.window, empty);
    }

    /** The engine failed: after this only receipts follow. */
    error(error: AnswerError): Buffer {
        this.expect('started', 'headed');
        const wire = this.data(dataType.error, encodeError(error));
        this.stage = 'failed';
        return wire;
    }

    checkpoint(usage: TokenUsage, amounts: ReceiptAmounts): SealedReceipt {
        this.expect('started', 'headed', 'failed');
        const receipt = this.sign(this.encodedUsage(usage), amounts);
        const wire = frame(frameKind.checkpoint, receipt.payload.length);
        receipt.payload.copy(wire, frameHeaderBytes);
        return { ...receipt, wire: this.sent(wire) };
    }

    /** Ends the answer and erases its key. */
    final(usage: TokenUsage, amounts: ReceiptAmounts): SealedReceipt {
        this.expect('started', 'headed', 'failed');
        const encoded = this.encodedUsage(usage);
        const receipt = this.sign(encoded, amounts);
        const sealedBytes = FrameCipher.sealedBytes(encoded.length);
        const wire = frame(frameKind.final, receipt.payload.length + sealedBytes);
        const offset = frameHeaderBytes + receipt.payload.copy(wire, frameHeaderBytes);
        this.cipher.seal({ index: this.index, kind: frameKind.final }, [encoded], wire, offset);
        this.stage = 'final';
        this.cipher.erase();
        return { ...receipt, wire: this.sent(wire) };
    }

    private data(type: number, data: Buffer): Buffer {
        if (data.length > maxFrameDataBytes) throw misuse(`at most ${maxFrameDataBytes} bytes fit a frame`);
        const wire = frame(frameKind.data, FrameCipher.sealedBytes(data.length + 1));
        const at = { index: this.index, kind: frameKind.data };
        this.cipher.seal(at, [dataTypeBytes[type]!, data], wire, frameHeaderBytes);
        return this.sent(wire);
    }

    private encodedUsage(usage: TokenUsage): Buffer {
        return encodeUsage({ ...usage, salt: this.salt, modelIndex: this.options.modelIndex });
    }

    private sign(encoded: Buffer, amounts: ReceiptAmounts): AnswerReceipt {
        const hashes = { usageHash: usageHash(encoded), transcriptHash: this.transcript.value() };
        return signAnswerReceipt(this.options.to, amounts, hashes, this.options.signer);
    }

    private sent(wire: Buffer): Buffer {
        this.transcript.add(wire);
        this.index++;
        return wire;
    }

    private expect(...stages: Stage[]): void {
        if (stages.includes(this.stage)) return;
        throw new ConfidentialError('state_invalid', `an answer that is ${this.stage} cannot go on like this`);
    }
}

const empty = Buffer.alloc(0);
const dataTypeBytes = [0, 1, 2, 3, 4].map((type) => Buffer.from([type]));

/** Header in place, payload to be written. */
function frame(kind: FrameKind, payloadBytes: number): Buffer {
    const wire = Buffer.allocUnsafe(frameHeaderBytes + payloadBytes);
    wire.writeUInt8(kind, 0);
    wire.writeUInt32BE(payloadBytes, 1);
    return wire;
}
