import type { Choice } from './choice';
import { pickNode } from './pick';
import { StickyNodes } from './sticky-nodes';
import { TrafficShare } from './traffic-share';
import type { TrustedNode } from './trusted-node';

/** Of models with traffic of their own; the ones used last stay. */
const maxServices = 1_000;

/** Picks a node for each attempt, and remembers what picking well needs: conversations, and where the traffic went. */
export class NodePicker {
    private readonly sticky = new StickyNodes();
    private readonly traffic = new Map<string, TrafficShare>();

    constructor(private readonly random: () => number = Math.random) {}

    /** @param isOut of nodes that this request was given to already, or can't be given to */
    pick(choice: Choice, isOut: (node: TrustedNode) => boolean): TrustedNode | undefined {
        const { service, offers, reach, nodeId, conversation, isUsable } = choice;
        const isLeft = (node: TrustedNode) => !isOut(node) && isUsable(node);
        if (nodeId !== undefined) {
            const named = offers.find(nodeId, reach);
            return named !== undefined && isLeft(named) ? named : undefined;
        }
        return pickNode(offers, {
            reach,
            isUsable: isLeft,
            sticky: this.sticky.get(conversation),
            traffic: this.trafficOf(service),
            random: this.random,
        });
    }

    /** The node began to answer: what follows in the conversation goes there too, while it is not too busy. */
    served({ conversation }: Choice, node: TrustedNode): void {
        this.sticky.set(conversation, node.id);
    }

    private trafficOf(service: string): TrafficShare {
        const known = this.traffic.get(service) ?? new TrafficShare();
        this.traffic.delete(service);
        this.traffic.set(service, known);
        if (this.traffic.size > maxServices) this.traffic.delete(this.traffic.keys().next().value!);
        return known;
    }
}
