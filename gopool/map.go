package gopool

import "context"

// Map calls f for each of inputs in the pool's goroutine workers and returns
// the results in the order of the inputs. It blocks until all are there and
// returns the first error among them, by position. When ctx ends it returns
// early; the tasks that are queued still run.
func Map[T, R any](ctx context.Context, p *Pool, f func(context.Context, T) (R, error), inputs []T) ([]R, error) {
	function := p.NewFunction(TaskFunc(func(ctx context.Context, data any, offset int) (any, error) {
		return f(ctx, data.([]T)[offset])
	}))
	defer p.Release(function)
	job, err := p.Submit(function, 1, nil, true, &Batch{Data: inputs, Count: len(inputs)})
	if err != nil {
		return nil, err
	}
	if !job.Wait(ctx, len(inputs)+1) {
		job.Forget()
		return nil, ctx.Err()
	}
	return collect[R](job, len(inputs))
}

func collect[R any](job *Job, count int) ([]R, error) {
	results := make([]R, count)
	failed, err := count, job.Err()
	fail := func(index int, cause error) {
		if index < failed {
			failed, err = index, cause
		}
	}
	for _, s := range job.Take() {
		outcomes, ok := s.Payload.([]Outcome)
		if !ok {
			fail(s.Index, &LostError{s.Payload.(Lost)})
			continue
		}
		for i, o := range outcomes[s.Skip : s.Skip+s.Count] {
			if o.Err != nil {
				fail(s.Index+i, o.Err)
				continue
			}
			results[s.Index+i], _ = o.Value.(R)
		}
	}
	return results, err
}
