package run

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/engine"
	"github.com/grpcbench/grpcbench/scenario/rpc"
)

// atOnce is a driver whose calls are answered at once.
type atOnce struct{}

func (atOnce) Do(_ context.Context, _ grpc.ClientConnInterface, call *rpc.Call) error {
	call.Answers.Add((&userpb.GetUserResponse{}).ProtoReflect())
	return nil
}

// What it takes to judge an answer is no part of the call: the caller says when
// that had ended, so that the engine need not look at the clock afterwards.
func TestJudgingIsNotTimed(t *testing.T) {
	plan, err := scenario.Read("x.yaml", []byte("target: localhost:1\nload: [{call: GetUser, workers: 1, expect: {fields: {user: {exists: true}}}}]\n"), scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{clients: &clients{all: []*clientcore.Client{nil}}, driver: atOnce{}, answer: plan.Base.Load[0].Checker().Answer()}
	c.call.Answers = c.answer
	call := engine.Call{Entry: &engine.Entry{}}
	before := time.Now()
	c.Call(t.Context(), &call)
	if call.Done.Before(before) || call.Code != "DATA_LOSS" || call.Message != "user: want it set, got nothing" {
		t.Errorf("done %v, %s %q", call.Done, call.Code, call.Message)
	}
}
