/* The style and the script of reports/page.c, as strings. */
    .section .rodata

    .global page_style
page_style:
    .incbin PAGE_STYLE
    .byte 0

    .global page_script
page_script:
    .incbin PAGE_MODEL
    .incbin PAGE_DRAW
    .incbin PAGE_PANEL
    .byte 0

    .section .note.GNU-stack, "", %progbits
