"""How the page looks: one calm theme, system fonts for both scripts, nothing from the network."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import gradio as gr
from gradio.themes.utils.colors import Color
from gradio.themes.utils.fonts import Font

STYLE: Final = Path(__file__).with_name("studio.css")
ICON: Final = Path(__file__).with_name("studio.svg")
SCRIPT: Final = Path(__file__).with_name("studio.js")

_TEXT: Final = (
    *("system-ui", "-apple-system", "Segoe UI", "Roboto", "PingFang SC", "Hiragino Sans GB"),
    *("Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Micro Hei", "sans-serif"),
)
_CODE: Final = (
    *("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono"),
    *("Noto Sans Mono CJK SC", "monospace"),
)
_PINE: Final = Color(
    *("#effaf6", "#d8f2e8", "#b4e4d3", "#82cfb7", "#4db396", "#2b977b", "#1c7963"),
    *("#176151", "#154d42", "#134038", "#0a2420"),
    name="pine",
)
_STONE: Final = Color(
    *("#fafaf8", "#f3f3f0", "#e6e6e1", "#d3d3cc", "#a3a49c", "#74766f", "#565853"),
    *("#41433f", "#272a28", "#1a1d1b", "#101312"),
    name="stone",
)


def theme() -> gr.themes.Base:
    """Stone and pine, light and dark."""
    base = gr.themes.Base(
        primary_hue=_PINE,
        secondary_hue=_PINE,
        neutral_hue=_STONE,
        radius_size=gr.themes.sizes.radius_lg,
        spacing_size=gr.themes.sizes.spacing_md,
        font=[Font(name) for name in _TEXT],
        font_mono=[Font(name) for name in _CODE],
    )
    return base.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_800",
        body_text_color_dark="*neutral_200",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_border_width="1px",
        block_shadow="none",
        block_shadow_dark="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_400",
        block_title_text_weight="550",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_800",
        layout_gap="18px",
        input_border_width="1px",
        checkbox_border_width="1px",
        checkbox_label_background_fill="*neutral_50",
        checkbox_label_background_fill_dark="*neutral_950",
        checkbox_label_background_fill_selected="*primary_50",
        checkbox_label_background_fill_selected_dark="*primary_900",
        checkbox_label_border_width="1px",
        checkbox_label_border_color="*neutral_200",
        checkbox_label_border_color_dark="*neutral_800",
        checkbox_label_border_color_selected="*primary_300",
        checkbox_label_border_color_selected_dark="*primary_700",
        input_background_fill="white",
        input_background_fill_dark="*neutral_950",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_700",
        input_border_color_focus="*primary_500",
        input_border_color_focus_dark="*primary_500",
        input_shadow_focus="0 0 0 3px color-mix(in srgb, *primary_400 25%, transparent)",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_secondary_background_fill="white",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_700",
        button_large_padding="10px 22px",
        button_large_text_weight="550",
    )
