" Scenarios of harness: docs/SCENARIOS.md, 'harness words'.
if exists('b:current_syntax')
  finish
endif

syn case match
syn match   scnBlock  '^\(scenario\|core\|store\|clock\|tab\|agent\|sandbox\|backend\|faults\|schedule\|check\|explore\)\>'
syn match   scnLabel  '^\s\+[a-z][a-z0-9_]*:'
syn keyword scnVerb   connect reconnect reload close send expect answer wait emit ask pause finish
syn keyword scnVerb   start stop open publish post cancel configure history ensure release lease
syn keyword scnVerb   inspect misuse alone say drain repeat end
syn keyword scnFault  may cut halfopen slow lose duplicate reorder stall freeze late_close
syn keyword scnFault  repeat_close double_hello wrong_epoch reset_cursor cursor_ahead lose_ack
syn keyword scnFault  stale_answer crash fail_exec late_exec leave_child survive move_port ghost_server reuse_pid
syn keyword scnFault  list_clients lose_answer revoke refuse_call return_stopped kill delay timeout expire
syn keyword scnFault  lose_last jump refuse_memory refuse_thread
syn keyword scnOrder  after during within at times every in order or by for up to
syn keyword scnCheck  on off known_bug always never sometimes eventually exactly most least when
syn keyword scnCheck  before nothing
syn keyword scnGuide  run free any advance fire deliver wake choose strategy bound budget seed
syn match   scnName   '[a-z_][a-z0-9_]*\ze='
syn match   scnNumber '\<[+-]\?\d\+\(us\|ms\|s\|m\|h\)\?\>'
syn match   scnRange  '\.\.'
syn match   scnArrow  '->'
syn region  scnString start='"' end='"' oneline
syn match   scnRemark '\(^\|\s\)#.*$' contains=@Spell
syn match   scnTab    '\t'

hi def link scnBlock  Keyword
hi def link scnLabel  Label
hi def link scnVerb   Statement
hi def link scnFault  Exception
hi def link scnOrder  Conditional
hi def link scnCheck  Function
hi def link scnGuide  PreProc
hi def link scnName   Identifier
hi def link scnNumber Number
hi def link scnRange  Operator
hi def link scnArrow  Operator
hi def link scnString String
hi def link scnRemark Comment
hi def link scnTab    Error

let b:current_syntax = 'scn'
