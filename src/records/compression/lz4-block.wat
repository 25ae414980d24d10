;; LZ4 blocks, decompressed within this module's memory: what a leader does with every lz4 batch to look at its records.
;; The same rules as lz4-block.ts, which also says what is wrong where this only says -1. Copies run in steps of 16 bytes,
;; so up to 15 bytes past $limit and past $end are touched: the caller leaves room there.
;; Becomes lz4-block-wasm.ts: npx -y -p wabt@1.0.39 wat2wasm lz4-block.wat -o - | base64 -w 0
(module
  (memory (export "memory") 1)

  ;; Bytes $at … $end to $to; returns the end, at most $limit, or -1. Matches may reach back to $window.
  (func (export "decompress")
    (param $at i32) (param $end i32) (param $to i32) (param $limit i32) (param $window i32) (result i32)
    (local $token i32) (local $length i32) (local $more i32) (local $from i32) (local $stop i32) (local $distance i32)
    (block $malformed
      (loop $sequence
        (br_if $malformed (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $token (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $length (i32.shr_u (local.get $token) (i32.const 4)))
        (if (i32.eq (local.get $length) (i32.const 15))
          (then
            (loop $longer
              (br_if $malformed (i32.ge_u (local.get $at) (local.get $end)))
              (local.set $more (i32.load8_u (local.get $at)))
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (local.set $length (i32.add (local.get $length) (local.get $more)))
              (br_if $longer (i32.eq (local.get $more) (i32.const 255))))))
        (if (local.get $length)
          (then
            (br_if $malformed (i32.gt_u (local.get $length) (i32.sub (local.get $end) (local.get $at))))
            (br_if $malformed (i32.gt_u (local.get $length) (i32.sub (local.get $limit) (local.get $to))))
            (local.set $from (local.get $at))
            (local.set $stop (i32.add (local.get $to) (local.get $length)))
            (loop $literals
              (v128.store (local.get $to) (v128.load (local.get $from)))
              (local.set $from (i32.add (local.get $from) (i32.const 16)))
              (local.set $to (i32.add (local.get $to) (i32.const 16)))
              (br_if $literals (i32.lt_u (local.get $to) (local.get $stop))))
            (local.set $to (local.get $stop))
            (local.set $at (i32.add (local.get $at) (local.get $length)))))
        (if (i32.eq (local.get $at) (local.get $end)) (then (return (local.get $to))))
        (br_if $malformed (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (i32.const 2)))
        (local.set $distance (i32.load16_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))
        (br_if $malformed (i32.eqz (local.get $distance)))
        (br_if $malformed (i32.gt_u (local.get $distance) (i32.sub (local.get $to) (local.get $window))))
        (local.set $length (i32.add (i32.and (local.get $token) (i32.const 15)) (i32.const 4)))
        (if (i32.eq (local.get $length) (i32.const 19))
          (then
            (loop $longer
              (br_if $malformed (i32.ge_u (local.get $at) (local.get $end)))
              (local.set $more (i32.load8_u (local.get $at)))
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (local.set $length (i32.add (local.get $length) (local.get $more)))
              (br_if $longer (i32.eq (local.get $more) (i32.const 255))))))
        (br_if $malformed (i32.gt_u (local.get $length) (i32.sub (local.get $limit) (local.get $to))))
        (local.set $from (i32.sub (local.get $to) (local.get $distance)))
        (local.set $stop (i32.add (local.get $to) (local.get $length)))
        (if (i32.ge_u (local.get $distance) (i32.const 16))
          (then
            (loop $far
              (v128.store (local.get $to) (v128.load (local.get $from)))
              (local.set $from (i32.add (local.get $from) (i32.const 16)))
              (local.set $to (i32.add (local.get $to) (i32.const 16)))
              (br_if $far (i32.lt_u (local.get $to) (local.get $stop)))))
          (else
            (if (i32.ge_u (local.get $distance) (i32.const 8))
              (then
                (loop $near
                  (i64.store (local.get $to) (i64.load (local.get $from)))
                  (local.set $from (i32.add (local.get $from) (i32.const 8)))
                  (local.set $to (i32.add (local.get $to) (i32.const 8)))
                  (br_if $near (i32.lt_u (local.get $to) (local.get $stop)))))
              (else
                (loop $overlapping
                  (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
                  (local.set $from (i32.add (local.get $from) (i32.const 1)))
                  (local.set $to (i32.add (local.get $to) (i32.const 1)))
                  (br_if $overlapping (i32.lt_u (local.get $to) (local.get $stop))))))))
        (local.set $to (local.get $stop))
        (br $sequence)))
    (i32.const -1)))
