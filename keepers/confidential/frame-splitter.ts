import { ConfidentialError } from './errors';
import { frameHeaderBytes, isFrameHeader, type WireFrame } from './frame-format';

/**
 * Cuts a stream of bytes into frames, wherever the chunks begin and end. A frame that lies within one chunk is a view
 * of it; one that does not is copied once, into a buffer of its own size. A header is judged before anything is kept.
 */
export class FrameSplitter {
    private readonly header = Buffer.alloc(frameHeaderBytes);
    private headerFilled = 0;
    private partial: Buffer | undefined;
    private partialFilled = 0;

    /** Calls `onFrame` for every frame that `chunk` completes, in order and before it looks at what follows. */
    push(chunk: Buffer, onFrame: (frame: WireFrame) => void): void {
        let offset = this.continuePartial(chunk, onFrame);
        while (offset < chunk.length) {
            const left = chunk.length - offset;
            const bytes = left < frameHeaderBytes ? frameHeaderBytes : frameLength(chunk, offset);
            if (left < bytes) {
                this.keep(chunk.subarray(offset), bytes);
                break;
            }
            onFrame(toFrame(chunk.subarray(offset, offset + bytes)));
            offset += bytes;
        }
    }

    /** True when the stream stands between two frames. */
    get atBoundary(): boolean {
        return this.partial === undefined && this.headerFilled === 0;
    }

    /** Fills what the last chunk left unfinished; returns how much of `chunk` that took. */
    private continuePartial(chunk: Buffer, onFrame: (frame: WireFrame) => void): number {
        let offset = 0;
        if (this.headerFilled > 0) {
            offset = chunk.copy(this.header, this.headerFilled, 0, frameHeaderBytes - this.headerFilled);
            this.headerFilled += offset;
            if (this.headerFilled < frameHeaderBytes) return offset;
            this.headerFilled = 0;
            this.keep(this.header, frameLength(this.header, 0));
        }
        if (!this.partial) return offset;
        const copied = chunk.copy(this.partial, this.partialFilled, offset);
        this.partialFilled += copied;
        if (this.partialFilled === this.partial.length) {
            const whole = this.partial;
            this.partial = undefined;
            onFrame(toFrame(whole));
        }
        return offset + copied;
    }

    private keep(bytes: Buffer, frameBytes: number): void {
        if (bytes.length < frameHeaderBytes) {
            this.headerFilled = bytes.copy(this.header, 0);
            return;
        }
        this.partial = Buffer.allocUnsafe(frameBytes);
        this.partialFilled = bytes.copy(this.partial, 0);
    }
}

function frameLength(bytes: Buffer, offset: number): number {
    const kind = bytes.readUInt8(offset);
    const payloadBytes = bytes.readUInt32BE(offset + 1);
    if (isFrameHeader(kind, payloadBytes)) return frameHeaderBytes + payloadBytes;
    throw new ConfidentialError('frame_invalid', `no frame of kind ${kind} has ${payloadBytes} bytes`);
}

function toFrame(bytes: Buffer): WireFrame {
    return { kind: bytes.readUInt8(0) as WireFrame['kind'], bytes, payload: bytes.subarray(frameHeaderBytes) };
}
