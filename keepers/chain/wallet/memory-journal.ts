import type { NewSend, OpenSend, SendJournal } from '../../base';

/** For tools that run once under a person's eyes: it forgets when they end. */
export class MemoryJournal implements SendJournal {
    private readonly open = new Map<bigint, OpenSend>();
    private readonly slots = new Map<string, bigint>();
    private nextId = 1n;

    async recordSend(send: NewSend): Promise<OpenSend> {
        const recorded = { ...send, id: this.nextId++ };
        this.open.set(recorded.id, recorded);
        this.slots.set(send.wallet, send.slot);
        return recorded;
    }

    async closeSend(id: bigint): Promise<void> {
        this.open.delete(id);
    }

    async recordFee(): Promise<void> {}

    async openSends(wallet: string): Promise<OpenSend[]> {
        return [...this.open.values()].filter((send) => send.wallet === wallet);
    }

    async lastSlot(wallet: string): Promise<bigint | null> {
        return this.slots.get(wallet) ?? null;
    }
}
