import { sizeOf } from './row-size';
import type { NodeEvidence } from './trusted-node';

const maxNodes = 20_000;
const maxBytes = 256 * 1024 * 1024;

/** Evidence of nodes past and present; the ones seen last stay. A dispatcher could name others in every round. */
export class EvidenceShelf {
    private readonly byId = new Map<string, NodeEvidence>();
    private bytes = 0;

    get all(): ReadonlyMap<string, NodeEvidence> {
        return this.byId;
    }

    keep(evidence: NodeEvidence): void {
        this.forget(evidence.nodeKey);
        this.byId.set(evidence.nodeKey, evidence);
        this.bytes += sizeOf(evidence);
        while (this.byId.size > maxNodes || this.bytes > maxBytes) this.forget(this.byId.keys().next().value!);
    }

    private forget(id: string): void {
        const known = this.byId.get(id);
        if (known === undefined) return;
        this.byId.delete(id);
        this.bytes -= sizeOf(known);
    }
}
