import { type Database, Query } from '../database';
import type { RequestState, StreamState } from '../dispatch/states';
import type { WorkingSet } from '../dispatch/working-set';

/** Writes what a working set has changed. */
export class SqliteSaver {
    private readonly insertStream: Query;
    private readonly updateStream: Query;
    private readonly insertRequest: Query;
    private readonly updateRequest: Query;
    private readonly setCap: Query;
    private readonly keepBestCap: Query;
    private readonly insertReceipt: Query;
    private readonly promote: Query;
    private readonly insertContradiction: Query;
    private readonly drop: Query;
    private readonly insertSettlement: Query;

    constructor(database: Database) {
        const sql = (text: string) => new Query(database, text);
        this.insertStream = sql(
            `INSERT INTO dispatch_streams (escrow, epoch, node_key, latest_sequence, latest_cumulative_nano,
             open_worst_nano, paid_nano) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        );
        this.updateStream = sql(
            `UPDATE dispatch_streams SET latest_sequence = ?, latest_cumulative_nano = ?, open_worst_nano = ?,
             paid_nano = ? WHERE id = ?`,
        );
        this.insertRequest = sql(
            `INSERT INTO dispatch_requests (request_id, request_hash, stream_id, session_key, offer_hash, cap_nano,
             cap_signature, worst_case_nano, signed_nano, allowance_nano, state, recorded_at_ms, dispatcher_id)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 'running', ?, ?)`,
        );
        this.updateRequest = sql(
            `UPDATE dispatch_requests SET worst_case_nano = ?, signed_nano = ?, allowance_nano = ?, state = ?,
             failure_code = ?, closed_at_ms = ?, final_sequence = ?, checkpoint_sequence = ?, dispatcher_id = ?
             WHERE request_id = ?`,
        );
        this.setCap = sql(
            'UPDATE dispatch_requests SET cap_nano = ?, cap_hash = ?, cap_signature = ? WHERE request_id = ?',
        );
        this.keepBestCap = sql(
            `INSERT INTO dispatch_caps (stream_id, session_key, cap_nano, cap_hash, cap_signature)
             VALUES (?, ?, ?, ?, ?) ON CONFLICT (stream_id, session_key) DO UPDATE SET cap_nano = excluded.cap_nano,
             cap_hash = excluded.cap_hash, cap_signature = excluded.cap_signature
             WHERE excluded.cap_nano > dispatch_caps.cap_nano`,
        );
        this.insertReceipt = sql(
            `INSERT INTO dispatch_receipts (stream_id, sequence, request_id, session_key, cost_nano, cumulative_nano,
             reference, signature, usage_hash, transcript_hash, final, received_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        );
        this.promote = sql('UPDATE dispatch_receipts SET final = 1 WHERE stream_id = ? AND sequence = ?');
        this.insertContradiction = sql(
            `INSERT INTO dispatch_contradictions (stream_id, kept_sequence, session_key, sequence, cost_nano,
             cumulative_nano, reference, signature, received_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (stream_id, sequence, signature) DO NOTHING`,
        );
        this.drop = sql(
            `DELETE FROM dispatch_receipts WHERE stream_id = ?1 AND sequence = ?2 AND final = 0 AND NOT EXISTS
             (SELECT 1 FROM dispatch_contradictions WHERE stream_id = ?1 AND kept_sequence = ?2)`,
        );
        this.insertSettlement = sql(
            `INSERT INTO dispatch_settlements (stream_id, paid_before_nano, paid_after_nano, transaction_hash,
             observed_at_ms) VALUES (?, ?, ?, ?, ?)`,
        );
    }

    save(set: WorkingSet): void {
        for (const stream of set.newStreams) this.saveNewStream(stream);
        for (const stream of set.changedStreams) this.saveStream(stream);
        for (const request of set.newRequests) this.saveNewRequest(request);
        for (const request of set.changedRequests) this.saveRequest(request);
        for (const { stream, sessionKey, capNano, capHash, capSignature } of set.allBestCaps())
            this.keepBestCap.run(stream.id, sessionKey, capNano, capHash, capSignature);
        this.saveReceipts(set);
        for (const { stream, beforeNano, afterNano, transactionHash, atMs } of set.settlements)
            this.insertSettlement.run(stream.id, beforeNano, afterNano, transactionHash, atMs);
    }

    private saveNewStream(stream: StreamState): void {
        stream.id = this.insertStream.insert(
            stream.escrow,
            stream.epoch,
            stream.nodeKey,
            stream.latestSequence,
            stream.latestCumulativeNano,
            stream.openWorstNano,
            stream.paidNano,
        );
    }

    private saveStream(stream: StreamState): void {
        const { latestSequence, latestCumulativeNano, openWorstNano, paidNano, id } = stream;
        this.updateStream.run(latestSequence, latestCumulativeNano, openWorstNano, paidNano, id);
    }

    /** As it was recorded; what its batch has changed of it since is an update like any other. */
    private saveNewRequest(request: RequestState): void {
        const { created } = request;
        this.insertRequest.run(
            request.requestId,
            created!.requestHash,
            request.stream.id,
            request.sessionKey,
            created!.offerHash,
            request.capNano,
            created!.capSignature,
            request.worstCaseNano,
            request.allowanceNano,
            created!.recordedAtMs,
            request.dispatcherId,
        );
        if (request.changed) this.saveRequest(request);
    }

    private saveRequest(request: RequestState): void {
        const { requestId, raisedCap } = request;
        this.updateRequest.run(
            request.worstCaseNano,
            request.signedNano,
            request.allowanceNano,
            request.state,
            request.failureCode,
            request.closedAtMs,
            request.finalSequence,
            request.checkpointSequence,
            request.dispatcherId,
            requestId,
        );
        if (raisedCap) this.setCap.run(request.capNano, raisedCap.hash, raisedCap.signature, requestId);
    }

    private saveReceipts(set: WorkingSet): void {
        for (const { stream, record, known } of set.newReceipts) {
            const { receipt } = record;
            this.insertReceipt.run(
                stream.id,
                receipt.sequence,
                record.requestId,
                receipt.sessionKey,
                receipt.costNano,
                receipt.cumulativeNano,
                receipt.reference,
                record.signature,
                record.usageHash,
                record.transcriptHash,
                known.final ? 1 : 0,
                record.receivedAtMs,
            );
        }
        for (const { stream, sequence } of set.promoted) this.promote.run(stream.id, sequence);
        this.saveContradictions(set);
        for (const { stream, sequence } of set.dropped) this.drop.run(stream.id, sequence);
    }

    private saveContradictions(set: WorkingSet): void {
        for (const { stream, keptSequence, record } of set.contradictions) {
            const { receipt, signature, receivedAtMs } = record;
            this.insertContradiction.run(
                stream.id,
                keptSequence,
                receipt.sessionKey,
                receipt.sequence,
                receipt.costNano,
                receipt.cumulativeNano,
                receipt.reference,
                signature,
                receivedAtMs,
            );
        }
    }
}
