// SPDX-License-Identifier: MIT
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The development server shows a cluster that runs: its gateway, as who owns
// the token, if there is one.
const gateway = process.env.SWITCHYARD_URL ?? "http://127.0.0.1:8080";
const token = process.env.SWITCHYARD_TOKEN;
const proxy = {
	target: gateway, secure: false, ws: true,
	headers: token ? { Authorization: `Bearer ${token}` } : {},
};

export default defineConfig({
	plugins: [react()],
	build: {
		outDir: process.env.SY_WEB_OUT ?? "../../build/web/dist",
		emptyOutDir: true,
		target: "es2022",
		// The policy of the gateway allows files of its own, no data: URIs.
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		chunkSizeWarningLimit: 700,
	},
	server: {
		proxy: {
			"/api": proxy,
			"/ws": proxy,
			"/sdk": proxy,
		},
	},
});
