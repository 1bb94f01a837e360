// SPDX-License-Identifier: MIT
//
// The component library's settings.  Colours and sizes are CSS variables in
// theme.css: what a library writes into <style> elements while it runs, the
// gateway's Content-Security-Policy forbids.  So no component here is given
// responsive properties, and dialogs do not lock the page's scroll.
import { createTheme, Drawer, Menu, Modal, Popover, Select, Tooltip }
	from "@mantine/core";

export const theme = createTheme({
	respectReducedMotion: true,
	cursorType: "pointer",
	defaultRadius: "md",
	components: {
		Modal: Modal.extend({
			defaultProps: {
				lockScroll: false, centered: true,
				overlayProps: { backgroundOpacity: 0.45 },
				closeButtonProps: { "aria-label": "Close" },
			},
		}),
		Drawer: Drawer.extend({
			defaultProps: {
				lockScroll: false,
				closeButtonProps: { "aria-label": "Close" },
			},
		}),
		Tooltip: Tooltip.extend({
			defaultProps: { withArrow: true, openDelay: 250 },
		}),
		Menu: Menu.extend({ defaultProps: { shadow: "md", width: 220 } }),
		Popover: Popover.extend({ defaultProps: { shadow: "md" } }),
		Select: Select.extend({
			defaultProps: { allowDeselect: false, checkIconPosition: "right" },
		}),
	},
});
