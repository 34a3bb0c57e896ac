import { Message } from '@ton/core';
import { Letter } from './model/letter';

export interface Mail {
    message: Message;
    letter: Letter;
    from: string;
    to: string;
    valueNano: bigint;
    /** how often prices had changed when the first message of this chain was sent */
    pricesAt: number;
}

/** Messages on their way. TON keeps the order between one sender and one receiver, and promises nothing else. */
export class Mailbox {
    private readonly lanes = new Map<string, Mail[]>();

    add(mail: Mail): void {
        const lane = `${mail.from} ${mail.to}`;
        this.lanes.set(lane, [...(this.lanes.get(lane) ?? []), mail]);
    }

    /** The oldest of one of the lanes; null when nothing is on its way. */
    take(pick: number): Mail | null {
        const names = [...this.lanes.keys()];
        const name = names[pick % Math.max(1, names.length)];
        if (name === undefined) return null;
        const lane = this.lanes.get(name)!;
        const mail = lane.shift()!;
        if (lane.length === 0) this.lanes.delete(name);
        return mail;
    }

    get valueNano(): bigint {
        return [...this.lanes.values()].flat().reduce((sum, mail) => sum + mail.valueNano, 0n);
    }

    get isEmpty(): boolean {
        return this.lanes.size === 0;
    }
}
