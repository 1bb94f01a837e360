// SPDX-License-Identifier: MIT
// How a call sounds, from what the browser counts.

/** Of the last interval. */
export interface CallStats {
	/** 1 to 4.5: what people would say of what is heard here (G.107);
	 * 0: nothing came, so nobody can say. */
	mos: number;
	/** Packets of the other side that did not come [%]. */
	lossPercent: number;
	/** What was played, and made up for lost or late packets [%]. */
	concealedPercent: number;
	/** Our packets that did not reach the cluster [%]. */
	lossSentPercent: number;
	jitterMs: number;
	/** To the node and back; 0: not known yet. */
	roundTripMs: number;
	/** From arrival to being heard. */
	bufferMs: number;
	/** "opus", "pcmu" ... */
	codec: string;
	packetsReceived: number;
	packetsSent: number;
	/** 0 to 1. */
	levelIn: number;
	levelOut: number;
	/** "host", "srflx", "relay": how our side of the path is. */
	path: string;
}

interface Totals {
	received: number;
	lost: number;
	samples: number;
	concealed: number;
	delay: number;
	emitted: number;
}

type Entry = Record<string, unknown> & { type: string; id: string };

const num = (v: unknown) => typeof v === "number" ? v : 0;
const percent = (part: number, all: number) =>
	all > 0 ? Math.min(100, Math.max(0, 100 * part / all)) : 0;

// G.107 with what is known of Opus under its own concealment (Ie 0, Bpl 20);
// other codecs by G.113.
const CODECS: Record<string, [number, number]> = {
	opus: [0, 20], pcmu: [0, 25.1], pcma: [0, 25.1], g722: [0, 17],
};

/**
 * @param delay_ms  Mouth to ear, one way.
 */
export function estimateMos(lossPercent: number, delay_ms: number,
	codec = "opus"): number {
	const [ie, bpl] = CODECS[codec] ?? CODECS.opus;
	const id = 0.024 * delay_ms +
		(delay_ms > 177.3 ? 0.11 * (delay_ms - 177.3) : 0);
	const r = 93.2 - id -
		(ie + (95 - ie) * lossPercent / (lossPercent + bpl));

	if (r <= 0)
		return 1;
	return Math.min(4.5, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

/** Turns reports into figures of the time between two of them. */
export class StatsReader {
	private before?: Totals;

	read(report: Iterable<Entry>): CallStats {
		const all = [...report];
		const of = (type: string) => all.find((s) => s.type === type &&
			(!s.kind || s.kind === "audio")) ?? {} as Entry;
		const by = (id: unknown) => all.find((s) => s.id === id) ??
			{} as Entry;
		const heard = of("inbound-rtp"), said = of("outbound-rtp");
		const told = of("remote-inbound-rtp");
		const pair = by(of("transport").selectedCandidatePairId);
		const codec = String(by(heard.codecId).mimeType ?? "")
			.replace("audio/", "").toLowerCase();
		const now: Totals = {
			received: num(heard.packetsReceived),
			lost: num(heard.packetsLost),
			samples: num(heard.totalSamplesReceived),
			concealed: num(heard.concealedSamples) -
				num(heard.silentConcealedSamples),
			delay: num(heard.jitterBufferDelay),
			emitted: num(heard.jitterBufferEmittedCount),
		};
		// Another connection counts from zero.
		const was = this.before && this.before.received <= now.received
			? this.before : { received: 0, lost: 0, samples: 0,
				concealed: 0, delay: 0, emitted: 0 };
		const lost = now.lost - was.lost;
		const due = lost + now.received - was.received;
		const lossPercent = percent(lost, due);
		const concealedPercent = percent(now.concealed - was.concealed,
			now.samples - was.samples);
		const emitted = now.emitted - was.emitted;
		const bufferMs = emitted > 0
			? 1000 * (now.delay - was.delay) / emitted : 0;
		const roundTripMs = 1000 * (num(told.roundTripTime) ||
			num(pair.currentRoundTripTime));

		this.before = now;
		return {
			mos: due > 0 ? estimateMos(
				Math.max(lossPercent, concealedPercent),
				roundTripMs / 2 + bufferMs + 40, codec) : 0,
			lossPercent, concealedPercent,
			lossSentPercent: 100 * num(told.fractionLost),
			jitterMs: 1000 * num(heard.jitter),
			roundTripMs, bufferMs, codec,
			packetsReceived: now.received,
			packetsSent: num(said.packetsSent),
			levelIn: num(of("media-source").audioLevel),
			levelOut: num(heard.audioLevel),
			path: String(by(pair.localCandidateId).candidateType ?? ""),
		};
	}
}
