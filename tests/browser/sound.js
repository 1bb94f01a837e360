// SPDX-License-Identifier: MIT
// What a page hears: the strongest frequency of what the peer sends.

export const microphone = { audio: { echoCancellation: false,
	noiseSuppression: false, autoGainControl: false } };

let analyser = null;
let context = null;

// Chromium gives WebAudio nothing of a remote stream that nobody plays.
export function listen(pc) {
	const track = pc.getReceivers().map((r) => r.track)
		.find((t) => t.kind === "audio");
	const stream = new MediaStream([track]);
	const audio = new Audio();
	audio.muted = true;
	audio.srcObject = stream;
	audio.play().catch(() => {});
	context?.close();
	context = new AudioContext();
	analyser = context.createAnalyser();
	analyser.fftSize = 8192;
	analyser.smoothingTimeConstant = 0;
	context.createMediaStreamSource(stream).connect(analyser);
}

// { hz, db } of the strongest bin; db of a full sine.
export function hear() {
	if (!analyser)
		return { hz: 0, db: -200 };
	const bins = new Float32Array(analyser.frequencyBinCount);
	analyser.getFloatFrequencyData(bins);
	let best = 0;
	for (let i = 1; i < bins.length; i++)
		if (bins[i] > bins[best])
			best = i;
	return { hz: best * context.sampleRate / analyser.fftSize,
		db: bins[best] === -Infinity ? -200 : bins[best] };
}

// What the connection is made of, from its statistics.
export async function facts(pc) {
	const out = {};
	for (const s of (await pc.getStats()).values()) {
		if (s.type === "transport") {
			out.dtls = s.dtlsState;
			out.srtp = s.srtpCipher;
			out.role = s.dtlsRole;
		} else if (s.type === "inbound-rtp") {
			out.received = s.packetsReceived;
			out.lost = s.packetsLost;
		} else if (s.type === "remote-inbound-rtp") {
			out.rtt = s.roundTripTime;
			out.told_lost = s.packetsLost;
		} else if (s.type === "codec") {
			out.codec = s.mimeType;
		}
	}
	return out;
}
